/** A real kubelet with a certificate that it has made itself: verified by its pinned key, refused with another one, and let in again by `kubegauge trust`. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { V1ConfigMap } from '@kubernetes/client-node';
import { pinsConfigMapName } from '../../../src/kubelet/pins/pinconfigmap.ts';
import { parsePins } from '../../../src/kubelet/pins/pinlist.ts';
import { keyProof } from '../../../src/kubelet/pins/selfsigned.ts';
import type { NodeReport, StatusReport } from '../../../src/server/statuspage.ts';
import { kubeletPki } from '../components.ts';
import { type KubernetesObject, toList } from '../registration.ts';
import { waitFor } from '../wait.ts';
import { ask } from './ask.ts';
import { harness } from './harness.ts';
import { buildManifests } from './kustomized.ts';
import { fitToCluster, listServerPods, makeRoomForPods, rolledOut } from './podserver.ts';
import { apply } from './pods.ts';
import { removeObjects } from './registration.ts';
import { addArgs } from './replicas.ts';
import { shortResolution } from './server.ts';

const shared = harness();
const { cluster, program, credentials, registration } = shared;
const { settings, nodeName } = cluster;
const namespace = '--namespace=kube-system';
/** Three scrapes and a kubelet that starts. */
const noticeTimeoutMs = 60_000;

describe('a kubelet with a certificate of its own making', {
  skip: program.name !== 'kubegauge' && 'it has no pins',
}, () => {
  let objects: readonly KubernetesObject[] = [];
  let podIp = '';

  before(async () => {
    await shared.productImage();
    const built = await buildManifests(cluster, shared.folder, ['kubelet-pins']);
    objects = fitToCluster(cluster, built).map((object) => addArgs(object, [shortResolution]));
    await makeRoomForPods(shared);
    await cluster.selfSignKubelet();
    await apply(cluster, objects);
    await rolledOut(cluster);
    const [pod] = await listServerPods(cluster);
    podIp = pod?.status?.podIP ?? '';
  });
  after(async () => {
    await cluster.restartKubelet();
    await removeObjects(cluster, objects);
  });

  async function report(): Promise<NodeReport | undefined> {
    const { body } = await ask(cluster, `https://${podIp}:10250/status`, { token: credentials.readerToken });
    return (JSON.parse(body) as StatusReport).nodes.find(({ name }) => name === nodeName);
  }

  async function pinned() {
    const text = await cluster.kubectl(['get', 'configmap', pinsConfigMapName, namespace, '-o', 'json']);
    return parsePins((JSON.parse(text) as V1ConfigMap).data?.['pins'] ?? '').get(nodeName)?.proof;
  }

  const ownKey = async () =>
    keyProof(new X509Certificate(await readFile(path.join(kubeletPki(settings), 'kubelet.crt'))));

  const scraped = (verifiedBy: string) =>
    waitFor(
      `the kubelet to be scraped, verified by ${verifiedBy}`,
      async () => {
        const node = await report();
        return node?.state === 'scraped' && node.verifiedBy === verifiedBy && node;
      },
      noticeTimeoutMs,
      500,
    );

  test('is verified by its key, which is in the ConfigMap, and its pods are served', async () => {
    await scraped('pinned-key');
    assert.equal(await pinned(), await ownKey());
    await registration.available();
    await waitFor(
      'the pod of the server to be served',
      async () => /^metrics-server-\S+ +\d+m /m.test(await cluster.kubectl(['top', 'pods', namespace])),
      noticeTimeoutMs,
      500,
    );
  });

  test('keeps its pin when the manifests are applied again, by kubectl on either side', async () => {
    const key = await ownKey();
    await apply(cluster, objects);
    assert.equal(await pinned(), key);
    const configMaps = objects.filter(({ kind }) => kind === 'ConfigMap');
    const server = ['apply', '--server-side', '--force-conflicts', '-f', '-'];
    await cluster.kubectl(server, { input: toList(configMaps) });
    assert.equal(await pinned(), key);
  });

  test('is refused with a new key, and /status says why and what to do', async (t) => {
    const key = await ownKey();
    await cluster.selfSignKubelet();
    const node = await waitFor(
      'the new key to be refused',
      async () => {
        const found = await report();
        return found?.error?.code === 'KubeletKeyChanged' && found;
      },
      noticeTimeoutMs,
      500,
    );
    t.diagnostic(`${node.error?.message}; ${node.error?.remedy}`);
    assert.ok(node.error?.message.includes(key), 'the pinned key is in the message');
    assert.ok(node.error?.message.includes(await ownKey()), 'the new key is in the message');
    assert.equal(await pinned(), key);
  });

  test('is served again after `kubegauge trust`, from a laptop and without another restart', async (t) => {
    const main = path.resolve(import.meta.dirname, '../../../src/main.ts');
    const flags = ['--kubelet-preferred-address-types=InternalIP', '--kubelet-use-node-status-port'];
    const words = [main, 'trust', nodeName, `--kubeconfig=${cluster.kubeconfig}`, ...flags];
    const printed = await cluster.runInNamespace(process.execPath, words);
    for (const line of printed.trimEnd().split('\n')) t.diagnostic(line);
    assert.ok(printed.includes(`now:     ${await ownKey()}`));
    await scraped('pinned-key');
    assert.equal(await pinned(), await ownKey());
  });

  test('is verified by the CA once the cluster signs its certificate, and recorded as that', async () => {
    await cluster.restartKubelet();
    await scraped('address');
    await waitFor('the CA to be recorded', async () => (await pinned()) === 'ca', noticeTimeoutMs, 500);
  });

  test('is trusted in the pod, too, by the rights of the server', async () => {
    const command = ['exec', namespace, 'deployment/metrics-server', '--', '/metrics-server', 'trust', nodeName];
    const flags = ['--kubelet-preferred-address-types=InternalIP', '--kubelet-use-node-status-port'];
    const printed = await cluster.kubectl([...command, ...flags]);
    assert.match(printed, /^now: {5}a certificate of a trusted CA; /m);
  });
});
