/** `kubegauge trust` against a fake kube-apiserver and a fake kubelet, and the search for pending signing requests. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { StatusError } from '../../src/apimachinery/status.ts';
import { createRestClient } from '../../src/client/rest.ts';
import { approvalOf, findPendingServingRequests } from '../../src/cluster/servingrequests.ts';
import { checkTrustWords, trustKubelet } from '../../src/command/trustcommand.ts';
import { createResolver } from '../../src/dns/resolver.ts';
import { keyProof } from '../../src/kubelet/pins/selfsigned.ts';
import { parseCommandLine, UsageError } from '../../src/options/parse.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { type Issued, makeAuthority, selfSignedKubelet } from '../fakes/certificates.ts';
import { createFakeKubelet, type FakeKubelet } from '../fakes/kubelet.ts';
import { node, pinsConfigMap } from '../fakes/kubeobjects.ts';

const resolver = createResolver();
after(() => resolver[Symbol.dispose]());
const authority = makeAuthority('cluster');
const csrPath = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const keyOf = ({ cert }: Issued) => keyProof(new X509Certificate(cert));
const [old, fresh] = [selfSignedKubelet('node-a'), selfSignedKubelet('node-a')];
let apiServer: FakeApiServer;
let kubelet: FakeKubelet;

before(async () => {
  kubelet = await createFakeKubelet({ certificate: fresh, accepts: () => true });
});
after(() => kubelet.close());
beforeEach(async () => {
  kubelet.useCertificate(fresh);
  apiServer = await createFakeApiServer({ authority });
  apiServer.objects.set(node('node-a', { uid: 'u', kubeletPort: kubelet.port }));
  apiServer.objects.set(pinsConfigMap({ pins: `node-a u ${keyOf(old)}\nnode-b v ca\n` }));
});
afterEach(() => apiServer.close());

/** Returns what it prints. */
async function trust(...words: string[]): Promise<string> {
  const { options, ignored } = parseCommandLine([
    '--kubelet-use-node-status-port',
    '--kubelet-preferred-address-types=InternalIP',
    ...words,
  ]);
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  await trustKubelet({ options, apiServer: apiServer.connection, resolver, wanted: checkTrustWords(ignored), print });
  return lines.join('\n');
}

const pins = () => {
  const data = apiServer.objects.get('ConfigMap', 'kubegauge-kubelet-pins', 'kube-system')?.['data'];
  return (data as { pins?: string } | undefined)?.pins;
};

test('it pins the key that the kubelet shows, and prints the old one, the new one and how to compare it', async () => {
  const requests = kubelet.requests.length;
  const text = await trust('node-a');
  assert.equal(pins(), `node-a u ${keyOf(fresh)}\nnode-b v ca\n`);
  assert.match(text, /^node: {4}node-a \(UID u\)$/m);
  assert.ok(text.includes(`pinned:  ${keyOf(old)}\nshown:   ${keyOf(fresh)}\nnow:     ${keyOf(fresh)}; servers`), text);
  assert.match(text, /openssl x509 -in \/var\/lib\/kubelet\/pki\/kubelet\.crt .* \| base64/);
  assert.equal(kubelet.requests.length, requests, 'nothing was sent to the kubelet');
});

test('it pins a node that was not pinned, and says if the pin was of an earlier Node', async () => {
  apiServer.objects.set(pinsConfigMap());
  assert.match(await trust('node-a'), /^pinned: {2}nothing$/m);
  apiServer.objects.set(pinsConfigMap({ pins: `node-a earlier ${keyOf(old)}` }));
  assert.match(await trust('node-a'), /^pinned: {2}sha256:.*, of an earlier Node of this name$/m);
});

test('a certificate of a trusted CA is recorded as that, without credentials of the user', async () => {
  kubelet.useCertificate(authority.issue({ cn: 'node-a', dns: ['node-a'], usages: ['server'] }));
  assert.match(await trust('node-a'), /^now: {5}a certificate of a trusted CA; servers/m);
  assert.equal(pins(), 'node-a u ca\nnode-b v ca\n');
  assert.equal(kubelet.requests.at(-1)?.authorization, '');
});

test('a key that is given has to be the one that is shown', async () => {
  await assert.rejects(trust('node-a', keyOf(old)), /shows sha256:\S+, not sha256:\S+; nothing is changed$/);
  assert.ok(pins()?.startsWith(`node-a u ${keyOf(old)}\n`));
  await trust('node-a', keyOf(fresh));
  assert.ok(pins()?.startsWith(`node-a u ${keyOf(fresh)}\n`));
});

test('without a way to the kubelet the key has to be given', async () => {
  apiServer.objects.set(node('node-a', { uid: 'u', kubeletPort: 1 }));
  await assert.rejects(
    trust('node-a'),
    /cannot be read from here: nothing listens at .*kubegauge trust node-a sha256:<key>/,
  );
  assert.match(await trust('node-a', keyOf(fresh)), /^shown: {3}nothing listens at/m);
  assert.ok(pins()?.startsWith(`node-a u ${keyOf(fresh)}\n`));
});

test('a server that writes at the same time loses nothing', async () => {
  let isFirst = true;
  apiServer.faults.answer = ({ method }) => {
    if (method !== 'PUT' || !isFirst) return undefined;
    isFirst = false;
    apiServer.objects.set(pinsConfigMap({ pins: `node-a u ${keyOf(old)}\nnode-c w ca\n` }));
    return undefined;
  };
  await trust('node-a');
  assert.equal(pins(), `node-a u ${keyOf(fresh)}\nnode-c w ca\n`);
});

describe('it fails with a remedy', () => {
  test('for an unknown node', () => assert.rejects(trust('node-x'), /there is no node node-x/));
  test('without a node, or with a word that is no key', async () => {
    await assert.rejects(trust(), UsageError);
    await assert.rejects(trust('node-a', 'node-b'), /^UsageError: node-b is no key; usage: /);
  });
  test('without the ConfigMap', async () => {
    apiServer.objects.delete('ConfigMap', 'kubegauge-kubelet-pins', 'kube-system');
    await assert.rejects(
      trust('node-a'),
      /comes with manifests\/components\/kubelet-pins; without it each server has pins in memory/,
    );
  });
  test('without the right', async () => {
    apiServer.faults.answer = ({ method }) => (method === 'PUT' ? 403 : undefined);
    await assert.rejects(
      trust('node-a'),
      /needs the right to get and update the ConfigMap kube-system\/kubegauge-kubelet-pins$/,
    );
  });
});

const request = (name: string, minute: number, other: object = {}, spec: object = {}) => ({
  metadata: { name, creationTimestamp: `2026-11-29T15:${String(minute).padStart(2, '0')}:00Z` },
  spec: { signerName: 'kubernetes.io/kubelet-serving', username: 'system:node:node-a', ...spec },
  ...other,
});
const requests = [
  request('csr-old', 1),
  request('csr-new', 16),
  request('csr-approved', 17, { status: { conditions: [{ type: 'Approved' }], certificate: 'x' } }),
  request('csr-denied', 18, { status: { conditions: [{ type: 'Denied' }] } }),
  request('csr-client', 19, {}, { signerName: 'kubernetes.io/kube-apiserver-client-kubelet' }),
  request('csr-user', 20, {}, { username: 'alice' }),
  request('csr-b', 21, {}, { username: 'system:node:node-b' }),
];

test('pending requests are found per node, newest first, with the command that approves the newest', async () => {
  apiServer.documents.set(csrPath, { items: requests });
  await using rest = createRestClient(apiServer.connection);
  const found = await findPendingServingRequests(rest);
  assert.deepEqual(
    found.map((pending) => [pending.node, pending.requests, approvalOf(pending)]),
    [
      ['node-a', ['csr-new', 'csr-old'], 'kubectl certificate approve csr-new'],
      ['node-b', ['csr-b'], 'kubectl certificate approve csr-b'],
    ],
  );
  assert.equal(found[0]?.createdMs, Date.parse('2026-11-29T15:16:00Z'));
  const { query } = apiServer.requests.at(-1) ?? {};
  assert.equal(query?.get('fieldSelector'), 'spec.signerName=kubernetes.io/kubelet-serving');
  apiServer.faults.answer = () => 403;
  await assert.rejects(findPendingServingRequests(rest), (error) => error instanceof StatusError && error.code === 403);
});

test('`kubegauge trust` names the pending request of the node, if the user may list them', async () => {
  assert.doesNotMatch(await trust('node-a'), /certificate approve/);
  apiServer.documents.set(csrPath, { items: requests });
  assert.match(await trust('node-a'), /would need no pin:\n {2}kubectl certificate approve csr-new$/);
});
