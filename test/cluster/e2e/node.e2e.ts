/** Usage and reports of a node that is not Ready because its kubelet is away, and how fast it is back. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { waitFor } from '../wait.ts';
import { ask } from './ask.ts';
import { harness } from './harness.ts';
import { loadNamespace, loadPods } from './loads.ts';
import { nodeReadings, parseWindowMs, type PodReading } from './readings.ts';
import { resolutionMs } from './server.ts';
import { hasLoads, longestPause, type Watch, watchPods } from './watch.ts';

const { cluster, program, credentials, loads, server, source, productImage } = harness();

describe('a node that is NotReady', { skip: program.name !== 'kubegauge' && 'it forgets at once' }, () => {
  const ready = '{.status.conditions[?(@.type=="Ready")].status}';
  const readiness = () => cluster.kubectl(['get', 'node', cluster.nodeName, '-o', `jsonpath=${ready}`]);
  const secondsSince = (ms: number) => `${((performance.now() - ms) / 1000).toFixed(0)} s`;
  let watch: Watch;
  let stoppedMs = 0;
  let stoppedWallMs = 0;
  let isBack = false;

  before(async () => {
    await loads.running();
    watch = watchPods(cluster, source());
    await waitFor('all loads to be measured', () => watch.observations.some(hasLoads), 180_000);
    await cluster.stopComponent('kubelet');
    stoppedMs = performance.now();
    stoppedWallMs = Date.now();
    // Nothing else is to be done for a minute. Where it fails, `pod` fails with its reason.
    productImage().catch(() => undefined);
  });
  after(async () => {
    await watch[Symbol.asyncDispose]();
    if (!isBack) await cluster.startComponent('kubelet');
  });

  /** How far apart the node's samples are, as the server knows. */
  async function spacing(): Promise<number> {
    const { body } = await ask(cluster, `${server().url}/status`, { token: credentials.readerToken });
    const report = JSON.parse(body) as { nodes: { name: string; sampleSpacing?: string }[] };
    return parseWindowMs(report.nodes.find(({ name }) => name === cluster.nodeName)?.sampleSpacing ?? '0s');
  }

  const isGone = (resource: string) => async () =>
    (await ask(cluster, `${server().url}/apis/metrics.k8s.io/v1/${resource}`, { token: credentials.readerToken }))
      .status === 404;

  test('its last numbers are served with their own times until they are stale, then not at all', async (t) => {
    await waitFor('the node to be NotReady', async () => (await readiness()) === 'Unknown', 60_000, 1_000);
    t.diagnostic(`NotReady ${secondsSince(stoppedMs)} after the kubelet was stopped`);
    await waitFor('all pods to be gone', () => watch.observations.at(-1)?.pods?.size === 0, 120_000);
    t.diagnostic(`nothing is served ${secondsSince(stoppedMs)} after the kubelet was stopped`);
    await waitFor('the node to be gone', isGone(`nodes/${cluster.nodeName}`), 60_000, 1_000);
    t.diagnostic(`nor of the node ${secondsSince(stoppedMs)} after it`);
    const spacingMs = await spacing();
    t.diagnostic(`samples are ${spacingMs / 1000} s apart`);
    for (const name of loadPods) {
      const away = watch.observations.filter(({ atMs }) => atMs > stoppedMs);
      const served = away.filter(({ pods }) => pods?.has(name));
      const seconds = ((served.at(-1)?.atMs ?? 0) - stoppedMs) / 1000;
      const windowMs = parseWindowMs(served.at(-1)?.pods?.get(name)?.window ?? '');
      // A sample is good for so long from when it was fetched: in the last cycle or, of an idle container, in the one before. The server may know a longer
      // interval of this container than of the node's samples at large; a busy machine's kubelet makes it so.
      const leastMs = Math.max(45_000, 2 * spacingMs);
      const mostMs = Math.max(leastMs, 2 * windowMs);
      t.diagnostic(`${name} was served for ${seconds.toFixed(0)} s, its window was ${windowMs / 1000} s`);
      assert.ok(
        seconds <= mostMs / 1000 + 1 + longestPause(away),
        `${name} was served for ${seconds} s, not ${mostMs / 1000} s`,
      );
      assert.ok(seconds >= (leastMs - 2 * resolutionMs) / 1000 - 2, `${name} was served for ${seconds} s only`);
      assert.ok(
        served.every((observation, at) => observation === away[at]),
        `${name} came and went`,
      );
      const last = watch.observations.findLast(({ atMs }) => atMs <= stoppedMs)?.pods?.get(name);
      for (const { pods } of served) assertNoNewerThan(pods?.get(name), last);
    }
  });

  /** The last scrape may have ended between the last answer and the kubelet's end. */
  function assertNoNewerThan(reading: PodReading | undefined, last: PodReading | undefined): void {
    const sampledMs = Date.parse(reading?.timestamp ?? '');
    assert.ok(sampledMs <= stoppedWallMs, `a sample of ${reading?.timestamp} of a kubelet that was gone`);
    assert.ok(sampledMs >= Date.parse(last?.timestamp ?? ''), 'times go back');
  }

  test('a 404 for a pod or the node says why', async (t) => {
    for (const resource of [`namespaces/${loadNamespace}/pods/burner`, `nodes/${cluster.nodeName}`]) {
      const url = `/apis/metrics.k8s.io/v1/${resource}`;
      for (const [base, ca] of [
        [server().url, undefined],
        [cluster.apiServerUrl, cluster.caFile],
      ] as const) {
        const asked = { token: credentials.readerToken, ...(ca && { ca }) };
        const { status, body } = await ask(cluster, `${base}${url}`, asked);
        assert.equal(status, 404, body);
        const { details } = JSON.parse(body) as { details: { causes: { reason: string; message: string }[] } };
        for (const { reason, message } of details.causes) t.diagnostic(`${reason}: ${message}`);
        assert.deepEqual(
          details.causes.map(({ reason }) => reason),
          ['Stale', 'ConnectionRefused'],
        );
      }
    }
  });

  test('once its kubelet is back, all is', async (t) => {
    await cluster.startComponent('kubelet');
    isBack = true;
    await waitFor('the node to be Ready', async () => (await readiness()) === 'True', 60_000, 500);
    const readyMs = performance.now();
    const last = await waitFor('all pods to be served', () => watch.observations.slice(-1).find(hasLoads), 180_000);
    t.diagnostic(`pods ${secondsSince(readyMs)} after the node was Ready`);
    await waitFor(
      'the node to be served',
      async () => (await nodeReadings(cluster, source())).has(cluster.nodeName),
      180_000,
    );
    t.diagnostic(`the node ${secondsSince(readyMs)} after it was Ready`);
    const since = watch.observations.filter(({ atMs }) => atMs > readyMs - resolutionMs);
    assert.ok(performance.now() - readyMs <= 19_000 + longestPause(since) * 1000, 'it took too long');
    for (const name of loadPods) {
      assert.ok(Date.parse(last.pods?.get(name)?.timestamp ?? '') > stoppedWallMs, `${name} is old`);
    }
  });
});
