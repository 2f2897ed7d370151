import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { connect, createServer } from 'node:tls';
import { fieldsOf } from '../../../src/tls/certificatefields.ts';
import { addressBytes } from '../../../src/tls/certificatewriter.ts';
import { certificateOf, type KeyPair } from '../../../src/tls/keypair.ts';
import { isDue, issueLeaf, leafBackdateMs, leafLifeMs, serviceNames } from '../../../src/tls/leaf.ts';
import { createPodRoot } from '../../../src/tls/podroot.ts';
import { checkGoAccepts } from '../../../src/tls/servingrules.ts';
import { listen } from '../../fakes/listen.ts';

const owner = { namespace: 'kube-system', pod: 'metrics-server-1', uid: '9b1c2f0e-4a57-4f3e-9d55-0b8f4a2f6c11' };
const root = createPodRoot(owner);
const nowMs = Date.parse('2026-11-29T14:30:15.678Z');
const minuteMs = 60_000;
const service = serviceNames({ service: 'metrics-server', namespace: 'kube-system', domain: 'cluster.local' });
const names = [...service, '10.1.2.3', 'fd00::7'];
const certificateIn = ({ cert }: KeyPair) => new X509Certificate(cert);

describe('a leaf certificate', () => {
  const leaf = issueLeaf(root, { names, nowMs });
  const certificate = certificateIn(leaf.pair);
  const fields = fieldsOf(certificate);

  test('is signed by the root and names its key', () => {
    assert.equal(certificate.checkIssued(root.certificate), true);
    assert.equal(certificate.verify(root.certificate.publicKey), true);
    assert.equal(fields.issuer, fieldsOf(root.certificate).subject);
    assert.deepEqual(Buffer.from(fields.authorityKeyId, 'latin1'), root.keyId);
    assert.notEqual(fields.subjectKeyId, fields.authorityKeyId);
    assert.match(certificate.toLegacyObject().serialNumber, /^[4-7][0-9A-F]{31}$/);
  });

  test('has the names of the Service and the addresses of the pod', () => {
    assert.equal(
      certificate.subjectAltName,
      [
        'DNS:metrics-server.kube-system.svc',
        'DNS:metrics-server',
        'DNS:metrics-server.kube-system',
        'DNS:metrics-server.kube-system.svc.cluster.local',
        'IP Address:10.1.2.3',
        'IP Address:FD00:0:0:0:0:0:0:7',
      ].join(', '),
    );
    assert.equal(certificate.subject, 'CN=metrics-server.kube-system.svc');
  });

  test('is for servers, for signatures, and no CA', () => {
    assert.deepEqual(fields.basicConstraints, { ca: false, pathLength: undefined });
    assert.equal(fields.forbidsSigning, true);
    assert.deepEqual(fields.extendedKeyUsages, ['1.3.6.1.5.5.7.3.1']);
    // keyUsage, critical: seven unused bits, digitalSignature. basicConstraints, critical: DER omits FALSE.
    assert.ok(certificate.raw.toString('hex').includes('0603551d0f0101ff040403020780'));
    assert.ok(certificate.raw.toString('hex').includes('0603551d130101ff04023000'));
  });

  test('passes the rules for certificates from files, alone and with its root', () => {
    checkGoAccepts([certificate], 'leaf');
    checkGoAccepts([certificate, root.certificate], 'leaf');
  });

  test('has a key of its own, which is not that of the root', () => {
    assert.equal(certificateOf(leaf.pair, 'cert', 'key').fingerprint256, certificate.fingerprint256);
    assert.equal(root.certificate.checkPrivateKey(createPrivateKey(leaf.pair.key)), false);
    assert.notEqual(issueLeaf(root, { names, nowMs }).pair.key, leaf.pair.key);
  });

  test('is valid a day before and 90 days after, in whole seconds, so that a clock that is a time zone ahead does no harm', () => {
    assert.equal(certificate.validFromDate.toISOString(), '2026-11-28T14:30:15.000Z');
    assert.equal(certificate.validToDate.toISOString(), '2027-02-27T14:30:15.000Z');
    assert.deepEqual(
      [leaf.fromMs, leaf.untilMs],
      [certificate.validFromDate.getTime(), certificate.validToDate.getTime()],
    );
  });

  test('holds a first name of any length as a name, and cuts it in the subject', () => {
    const [name = ''] = serviceNames({ service: 's'.repeat(63), namespace: 'n'.repeat(63), domain: 'x.' });
    const long = certificateIn(issueLeaf(root, { names: [name], nowMs }).pair);
    assert.equal(long.checkHost(name), name);
    assert.equal(long.subject, `CN=${name.slice(0, 64)}`);
  });

  test('leaves out what no certificate can hold, and repetitions', () => {
    const odd = ['a', 'caf\u00e9', 'a b', '', 'x,DNS:y', 'fe80::1%eth0', 'a', 'l'.repeat(64), 'a..b'];
    assert.equal(certificateIn(issueLeaf(root, { names: odd, nowMs }).pair).subjectAltName, 'DNS:a');
    assert.throws(() => issueLeaf(root, { names: ['caf\u00e9'], nowMs }), /needs a name/);
  });

  test('of a clock at the epoch can be read', () => {
    const early = certificateIn(issueLeaf(root, { names, nowMs: 5 * minuteMs }).pair);
    assert.equal(early.validFromDate.getTime(), 0);
  });

  test('is accepted over TLS by a client that trusts its root, and by none that trusts a root of another process', async () => {
    const restarted = createPodRoot(owner);
    const current = issueLeaf(root, { names: [...names, '127.0.0.1'], nowMs: Date.now() }).pair;
    using disposables = new DisposableStack();
    const server = createServer(current);
    disposables.defer(() => server.close());
    const port = await listen(server, 0);
    const handshake = async (ca: string, servername: string) => {
      const socket = connect({ port, host: '127.0.0.1', ca, servername });
      try {
        await once(socket, 'secureConnect');
        return 'accepted';
      } catch (error) {
        return (error as NodeJS.ErrnoException).code;
      } finally {
        socket.destroy();
      }
    };
    for (const name of service) assert.equal(await handshake(root.pem, name), 'accepted', name);
    // Two roots of one pod have the same subject, in either order: a container restarted.
    assert.equal(await handshake(restarted.pem + root.pem, 'metrics-server.kube-system.svc'), 'accepted');
    assert.equal(await handshake(root.pem + restarted.pem, 'metrics-server.kube-system.svc'), 'accepted');
    assert.notEqual(await handshake(restarted.pem, 'metrics-server.kube-system.svc'), 'accepted');
    assert.equal(await handshake(root.pem, 'other.kube-system.svc'), 'ERR_TLS_CERT_ALTNAME_INVALID');
  });
});

describe('the renewal of a leaf is due', () => {
  for (const lifeMs of [2 * minuteMs, leafLifeMs]) {
    test(`after two thirds of a life of ${lifeMs / 1000} s`, () => {
      const leaf = issueLeaf(root, { names, nowMs, lifeMs });
      assert.equal(isDue(leaf, nowMs), false);
      assert.equal(isDue(leaf, nowMs + (lifeMs * 2) / 3 - 1000), false);
      assert.equal(isDue(leaf, nowMs + (lifeMs * 2) / 3), true);
    });
  }

  test('when the clock was set back before its start, but not for less', () => {
    const leaf = issueLeaf(root, { names, nowMs });
    assert.equal(isDue(leaf, nowMs - (leafBackdateMs - minuteMs)), false);
    assert.equal(isDue(leaf, nowMs - (leafBackdateMs + minuteMs)), true);
  });
});

test('addresses are written as their bytes', () => {
  for (const [address, hex] of [
    ['10.1.2.3', '0a010203'],
    ['::', '0'.repeat(32)],
    ['::1', '1'.padStart(32, '0')],
    ['fd00::', `fd${'0'.repeat(30)}`],
    ['FD00:0:0:1::7', 'fd000000000000010000000000000007'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['::ffff:1.2.3.4', '00000000000000000000ffff01020304'],
    ['1::8:0:0:1', '00010000000000000008000000000001'],
  ] as const) {
    assert.equal(addressBytes(address).toString('hex'), hex, address);
  }
  for (const other of ['', 'x', 'fe80::1%eth0', '1.2.3', '::g'])
    assert.throws(() => addressBytes(other), /no IP address/);
});
