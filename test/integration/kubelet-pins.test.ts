/** How a self-signed certificate of a kubelet is verified by its pinned key, by each client and in worker threads. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { createKubeletClient, type KubeletClient, type KubeletClientOptions } from '../../src/kubelet/client.ts';
import { explainFailure } from '../../src/kubelet/explain/explainfailure.ts';
import type { KubeletTls } from '../../src/kubelet/http/kubelettls.ts';
import type { CheckPin, PinVerdict, Proof } from '../../src/kubelet/pins/proof.ts';
import { keyProof } from '../../src/kubelet/pins/selfsigned.ts';
import { silentLogger } from '../../src/logging.ts';
import { createWorkerPool } from '../../src/scrape/endpoint/workers/workerpool.ts';
import { createFakeClock } from '../fakes/clock.ts';
import { type Issued, type IssueOptions, makeAuthority, selfSignedKubelet } from '../fakes/certificates.ts';
import { createFakeKubelet, type FakeKubelet } from '../fakes/kubelet.ts';

const node = 'node-a';
const cluster = makeAuthority('cluster');
const dayMs = 24 * 60 * 60_000;
const past = { notBefore: new Date(Date.now() - 3 * dayMs), notAfter: new Date(Date.now() - dayMs) };
const { signal } = new AbortController();

/** Pins in memory: the first proof of a node counts. */
function createPins() {
  const pinned = new Map<string, Proof>();
  const seen: Proof[] = [];
  const checkPin: CheckPin = async (of, proof): Promise<PinVerdict> => {
    seen.push(proof);
    const first = pinned.get(of) ?? proof;
    pinned.set(of, first);
    return first === proof ? { kind: 'good' } : { kind: 'changed', pinned: first };
  };
  return { pinned, seen, checkPin };
}

const proofOf = ({ cert }: Issued): Proof => keyProof(new X509Certificate(cert));

for (const httpClient of ['built-in', 'undici'] as const) {
  describe(`with the ${httpClient} client`, () => {
    let kubelet: FakeKubelet;
    let pins: ReturnType<typeof createPins>;

    beforeEach(async () => {
      pins = createPins();
      kubelet = await createFakeKubelet({ certificate: selfSignedKubelet(node), accepts: (token) => token === 'good' });
    });
    afterEach(() => kubelet.close());

    function createClient(options: Partial<KubeletClientOptions> = {}, tls: Partial<KubeletTls> = {}) {
      const trust: KubeletTls = { ca: cluster.cert, cert: undefined, key: undefined, insecure: false, ...tls };
      return createKubeletClient({
        tls: () => trust,
        authorization: () => 'Bearer good',
        plainHttp: false,
        requestTimeoutMs: 30_000,
        httpClient,
        checkPin: pins.checkPin,
        ...options,
      });
    }

    function fetch(client: KubeletClient) {
      const at = { host: '127.0.0.1', port: kubelet.port, alternatives: 0 };
      return client.fetch({ node, ...at, path: '/metrics/cadvisor', accept: 'text/plain', gzip: false }, signal);
    }

    /** Returns what verified the kubelet, or the code of the failure. */
    async function fetched(...setting: Parameters<typeof createClient>) {
      await using client = createClient(...setting);
      try {
        const { status, verifiedBy } = await fetch(client);
        assert.equal(status, 200);
        return verifiedBy;
      } catch (error) {
        const { code, what, remedy } = explainFailure(error);
        return { code, what, remedy };
      }
    }

    async function codeOf(...setting: Parameters<typeof fetched>): Promise<string> {
      const result = await fetched(...setting);
      return typeof result === 'string' ? result : result.code;
    }

    const present = (issued: Issued) => {
      kubelet.useCertificate(issued);
      return issued;
    };
    const issued = (options: Partial<IssueOptions> = {}) =>
      cluster.issue({ cn: node, dns: [node], usages: ['server'], ...options });

    test('the key of a self-signed certificate is pinned at the first use, and good from then on', async () => {
      const first = present(selfSignedKubelet(node));
      assert.equal(await fetched(), 'pinned-key');
      assert.deepEqual([...pins.pinned], [[node, proofOf(first)]]);
      assert.equal(await fetched(), 'pinned-key');
      assert.equal(kubelet.requests.length, 2);
    });

    test('another key is refused before a token is sent, with both keys and the command in the message', async () => {
      const first = present(selfSignedKubelet(node));
      await fetched();
      const second = present(selfSignedKubelet(node));
      const result = await fetched();
      assert.ok(typeof result !== 'string');
      assert.equal(result.code, 'KubeletKeyChanged');
      assert.ok(result.what.includes(proofOf(first)) && result.what.includes(proofOf(second)), result.what);
      assert.match(result.remedy ?? '', /`kubegauge trust node-a`/);
      assert.equal(kubelet.requests.length, 1);
    });

    test('an open connection whose key is not the pinned one any more is closed, and the next one refused', async () => {
      const first = present(selfSignedKubelet(node));
      const opened: boolean[] = [];
      await using client = createClient({
        checkPin: (of, proof, isOpen = false) => {
          opened.push(isOpen);
          return pins.checkPin(of, proof);
        },
      });
      await fetch(client);
      await fetch(client);
      assert.deepEqual(opened, [false, true]);
      pins.pinned.set(node, proofOf(selfSignedKubelet(node)));
      // Sent before the answer of the pins: the last one.
      await fetch(client);
      const { code, what } = await fetch(client).then(() => assert.fail('it was sent'), explainFailure);
      assert.equal(code, 'KubeletKeyChanged');
      assert.ok(what.includes(proofOf(first)), what);
      assert.equal(kubelet.requests.length, 3);
    });

    test('a first use that cannot be recorded is refused, and so is one whose check fails', async () => {
      const unrecorded: CheckPin = async () => ({ kind: 'unrecorded', reason: 'the ConfigMap is full' });
      const result = await fetched({ checkPin: unrecorded });
      assert.ok(typeof result !== 'string');
      assert.equal(result.code, 'KubeletKeyUnrecorded');
      assert.match(result.what, /the ConfigMap is full/);
      const full: CheckPin = async () => ({ kind: 'unrecorded', reason: 'there is no room', isFull: true });
      assert.equal(await codeOf({ checkPin: full }), 'KubeletPinsFull');
      assert.equal(await codeOf({ checkPin: () => Promise.reject(new Error('no answer')) }), 'Other');
      assert.equal(kubelet.requests.length, 0);
    });

    test('a certificate of a trusted CA needs no pin, and from then on no key is good', async () => {
      present(issued());
      assert.equal(await fetched(), 'node-name');
      assert.deepEqual(pins.seen, ['ca']);
      present(selfSignedKubelet(node));
      const result = await fetched();
      assert.ok(typeof result !== 'string');
      assert.equal(result.code, 'KubeletKeyChanged');
      assert.match(result.what, /although it had a certificate of a trusted CA before/);
      assert.equal(kubelet.requests.length, 1);
    });

    test('a check that fails does not keep a certificate of a trusted CA from being good', async () => {
      present(issued());
      assert.equal(await fetched({ checkPin: () => Promise.reject(new Error('no answer')) }), 'node-name');
    });

    test('an expired self-signed certificate is good: its dates are its own words', async () => {
      present(selfSignedKubelet(node, past));
      assert.equal(await fetched(), 'pinned-key');
    });

    test('a certificate without a CA at all is self-signed, too', async () => {
      const { cert, key } = makeAuthority(node);
      present({ cert, key });
      // It names nothing.
      assert.equal(await codeOf(), 'CertificateNamesNeither');
      assert.deepEqual(pins.seen, []);
    });

    describe('refused as without pins, and never pinned:', () => {
      const unpinned = async (certificate: Issued, code: string, tls: Partial<KubeletTls> = {}) => {
        present(certificate);
        assert.equal(await codeOf({}, tls), code);
        assert.deepEqual(pins.seen, []);
        assert.equal(kubelet.requests.length, 0);
      };

      test('an expired certificate of a trusted CA', () => unpinned(issued(past), 'CertificateExpired'));
      test('an expired one that sends its trusted CA along', () => {
        const { cert, key } = issued(past);
        return unpinned({ cert: `${cert}${cluster.cert}`, key }, 'CertificateExpired');
      });
      test('one of a trusted CA for another node', () =>
        unpinned(issued({ dns: ['node-b'] }), 'CertificateNamesNeither'));
      test('a self-signed one for another node', () =>
        unpinned(selfSignedKubelet('node-b'), 'CertificateNamesNeither'));
      test('a self-signed one for clients', () =>
        unpinned(selfSignedKubelet(node, { usages: ['client'] }), 'CertificateNotForServers'));
      test('one of an unknown CA that is not sent along', () =>
        unpinned(makeAuthority('company').issue({ cn: node, dns: [node] }), 'UnknownAuthority'));
      const weak = (options: Partial<IssueOptions> = {}) => ({
        ...selfSignedKubelet(node, { rsaBits: 1024, ...options }),
        ciphers: 'DEFAULT@SECLEVEL=0',
      });
      test('a weak key', () => unpinned(weak(), 'WeakKey'));
      test('a weak key of an expired certificate', () => unpinned(weak(past), 'CertificateExpired'));
      test('a chain that is longer than any kubelet makes', () => {
        const root = makeAuthority('root');
        const one = root.subordinate('one');
        const two = one.subordinate('two');
        const { cert, key } = two.issue({ cn: node, dns: [node], usages: ['server'] });
        return unpinned({ cert: [cert, two.cert, one.cert, root.cert].join(''), key }, 'UnknownAuthority');
      });
    });

    test('without pins a self-signed certificate is refused', async () => {
      present(selfSignedKubelet(node));
      assert.equal(await codeOf({ checkPin: undefined }), 'UnknownAuthority');
    });

    test('--kubelet-tls=insecure asks for no pin', async () => {
      assert.equal(await fetched({}, { insecure: true }), 'nothing');
      assert.deepEqual(pins.seen, []);
    });
  });
}

test("a worker thread's kubelets are compared with the pins of the process", async () => {
  const pins = createPins();
  const first = selfSignedKubelet(node);
  await using kubelet = await createFakeKubelet({ certificate: first, accepts: (token) => token === 'good' });
  await using pool = createWorkerPool({
    tls: () => ({ ca: cluster.cert, cert: undefined, key: undefined, insecure: false }),
    authorization: () => 'Bearer good',
    plainHttp: false,
    requestTimeoutMs: 30_000,
    checkPin: pins.checkPin,
    clock: createFakeClock(),
    log: silentLogger,
  });
  const reader = pool.of(node);
  const read = () => reader.resource([{ host: '127.0.0.1', port: kubelet.port }], signal);
  const result = await read();
  assert.equal(result.kind, 'batch');
  assert.ok(result.kind === 'batch' && result.verifiedBy === 'pinned-key');
  assert.deepEqual([...pins.pinned], [[node, proofOf(first)]]);

  kubelet.useCertificate(selfSignedKubelet(node));
  const refused = await read();
  assert.ok(refused.kind === 'unanswered');
  assert.equal(refused.why.code, 'KubeletKeyChanged');
  assert.ok(refused.why.what.includes(proofOf(first)), refused.why.what);
  assert.equal(kubelet.requests.length, 1);
});
