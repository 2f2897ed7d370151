/** Kubelets that report pods of another node to the whole program. */
import assert from 'node:assert/strict';
import type { ClientHttp2Session } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import type { StatusReport } from '../../src/server/statuspage.ts';
import { ask2, openSession } from '../fakes/http2client.ts';
import { createRecordingLog } from '../fakes/recordinglog.ts';
import { coresUsed, nodeNames, podNode, startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

const admin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
const pods = '/apis/metrics.k8s.io/v1/pods';
/** How much later the other kubelets say that they sampled. */
const laterMs = 2_000;

for (const source of ['cadvisor', 'resource']) {
  describe(`pods that the kubelets of 29 other nodes report, too, by ${source}`, () => {
    const { log, lines } = createRecordingLog();
    let cluster: WholeCluster;
    let session: ClientHttp2Session;

    before(async () => {
      // Later samples, and a thousand times the CPU.
      const worse = <T extends { timestampMs: number; cpuSeconds: number }>(sample: T): T => ({
        ...sample,
        timestampMs: sample.timestampMs + laterMs,
        cpuSeconds: sample.cpuSeconds * 1_000,
      });
      cluster = await startWholeCluster([`--metrics-source=${source}`], {
        log,
        otherPods: (model) => model.pods.map((pod) => ({ ...pod, containers: pod.containers.map(worse) })),
      });
      // It listens a moment later.
      const frontProxy = cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
      const deadlineMs = performance.now() + 120_000;
      for (;;) {
        const opened = await openSession(cluster.port, frontProxy).catch(() => undefined);
        if (opened !== undefined) {
          session = opened;
          const { status, text } = await ask2(opened, pods, admin);
          const { nodes = [] } = status === 200 ? await report() : {};
          const isScraped = nodes.length === nodeNames.length && nodes.every(({ state }) => state === 'scraped');
          if (isScraped && JSON.parse(text).items.length === cluster.kubelet.model.pods.length) return;
          opened.destroy();
        }
        assert.ok(performance.now() < deadlineMs, 'the pods were not served within two minutes');
      }
    });
    after(async () => {
      session?.destroy();
      await cluster[Symbol.asyncDispose]();
    });

    async function report(): Promise<StatusReport> {
      return JSON.parse((await ask2(session, '/status', admin)).text) as StatusReport;
    }

    test('are served as their own node reports them', async () => {
      const { items } = JSON.parse((await ask2(session, pods, admin)).text) as PodList;
      for (const { containers } of items) {
        for (const { usage } of containers) {
          const [, amount, unit = ''] = /^(\d+)([num]?)$/.exec(usage.cpu) ?? [];
          const cores = Number(amount) / units[unit]!;
          assert.ok(Math.abs(cores - coresUsed) < coresUsed / 5, usage.cpu);
        }
      }
    });

    test('are listed in /status for each node that reports them', async () => {
      const { nodes, degraded } = await report();
      assert.deepEqual(degraded, [
        { code: 'ForeignPods', message: '29 of 30 ready nodes report pods of other nodes, which are not served' },
      ]);
      for (const { name, foreignPods, unverifiedPods } of nodes) {
        assert.equal(foreignPods, name === podNode ? undefined : cluster.kubelet.model.pods.length, name);
        assert.equal(unverifiedPods, undefined, name);
      }
    });

    test('are counted and logged by node', async () => {
      const { text } = await ask2(session, '/metrics', admin);
      const count = Number(/^kubegauge_foreign_pods_total\{node="node-1"\} (\d+)$/m.exec(text)?.[1]);
      assert.ok(count >= cluster.kubelet.model.pods.length, String(count));
      assert.doesNotMatch(text, /^kubegauge_foreign_pods_total\{node="node-0"\}/m);
      const line = 'warn: a kubelet reports pods of other nodes; they are not served';
      assert.equal(lines.filter((each) => each === line).length, nodeNames.length - 1);
    });
  });
}

/** In a core. */
const units: Readonly<Record<string, number>> = { '': 1, m: 1e3, u: 1e6, n: 1e9 };

interface PodList {
  readonly items: readonly { readonly containers: readonly { readonly usage: { readonly cpu: string } }[] }[];
}
