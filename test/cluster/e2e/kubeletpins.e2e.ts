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
import { toList } from '../registration.ts';
import { waitFor } from '../wait.ts';
import { ask } from './ask.ts';
import { harness } from './harness.ts';
import { apply } from './pods.ts';
import type { Replicas } from './replicas.ts';

const shared = harness();
const { cluster, program, credentials, loads, registration } = shared;
const { settings, nodeName } = cluster;
const namespace = '--namespace=kube-system';
/** Three scrapes and a kubelet that starts. */
const noticeTimeoutMs = 90_000;

describe('a kubelet with a certificate of its own making', {
  skip: program.name !== 'kubegauge' && 'it has no pins',
}, () => {
  let replicas: Replicas;
  let ips: readonly string[] = [];
  /** Whether the kubelet's certificate is of its own making. */
  let isOwn = true;

  before(async () => {
    await Promise.all([shared.productImage(), loads.running()]);
    // Before they start: a node that was verified by a CA once is not pinned.
    await cluster.selfSignKubelet();
    replicas = await shared.replicas();
    ips = (await replicas.settled()).map(({ ip }) => ip);
  });
  after(() => isOwn && restoreKubelet());

  async function restoreKubelet(): Promise<void> {
    await cluster.restartKubelet();
    isOwn = false;
  }

  /** Returns what each of the two replicas says of the node. */
  async function reports(): Promise<NodeReport[]> {
    const bodies = await Promise.all(
      ips.map((ip) => ask(cluster, `https://${ip}:10250/status`, { token: credentials.readerToken })),
    );
    return bodies.flatMap(({ body }) =>
      (JSON.parse(body) as StatusReport).nodes.filter(({ name }) => name === nodeName),
    );
  }

  async function pinned() {
    const text = await cluster.kubectl(['get', 'configmap', pinsConfigMapName, namespace, '-o', 'json']);
    return parsePins((JSON.parse(text) as V1ConfigMap).data?.['pins'] ?? '').get(nodeName)?.proof;
  }

  const ownKey = async () =>
    keyProof(new X509Certificate(await readFile(path.join(kubeletPki(settings), 'kubelet.crt'))));

  const scraped = (verifiedBy: string) =>
    waitFor(
      `the kubelet to be scraped by both, verified by ${verifiedBy}`,
      async () => {
        const found = await reports();
        return found.length === 2 && found.every((node) => node.state === 'scraped' && node.verifiedBy === verifiedBy);
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
    await apply(cluster, replicas.objects);
    assert.equal(await pinned(), key);
    const configMaps = replicas.objects.filter(({ kind }) => kind === 'ConfigMap');
    const server = ['apply', '--server-side', '--force-conflicts', '-f', '-'];
    await cluster.kubectl(server, { input: toList(configMaps) });
    assert.equal(await pinned(), key);
  });

  test('is refused with a new key, and /status says why and what to do', async (t) => {
    const key = await ownKey();
    await cluster.selfSignKubelet();
    const refused = await waitFor(
      'the new key to be refused by both',
      async () => {
        const found = await reports();
        return found.length === 2 && found.every(({ error }) => error?.code === 'KubeletKeyChanged') && found;
      },
      noticeTimeoutMs,
      500,
    );
    for (const { error } of refused) {
      t.diagnostic(`${error?.message}; ${error?.remedy}`);
      assert.ok(error?.message.includes(key), 'the pinned key is in the message');
      assert.ok(error?.message.includes(await ownKey()), 'the new key is in the message');
    }
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
    await restoreKubelet();
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
