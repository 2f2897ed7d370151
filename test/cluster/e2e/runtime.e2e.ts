/** Measures which usage is missing or reported when containerd stops and starts, and when cAdvisor does not find it. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { waitFor } from '../wait.ts';
import { ask } from './ask.ts';
import { harness } from './harness.ts';
import { cadvisorRows, isContainerRow } from './kubelet.ts';
import { burnedNanocores, loadNamespace, loadPods } from './loads.ts';
import { isSince } from './readings.ts';
import { resolutionMs, toleratedSeconds } from './server.ts';
import { hasLoads, longestGapOfLoads, type Watch, watchPods } from './watch.ts';

const shared = harness();
const { cluster, program, credentials, loads, server, source } = shared;

/** Resolves when all loads are listed. */
async function watchLoads(): Promise<Watch> {
  const watch = watchPods(cluster, source());
  await waitFor('all loads to be measured', () => watch.observations.some(hasLoads), 180_000);
  return watch;
}

function assertNoHole(watch: Watch, awaySeconds = 0): void {
  const gap = longestGapOfLoads(watch.observations);
  assert.ok(gap <= toleratedSeconds(program, awaySeconds), `pods were missing for ${gap} s`);
}

/** A new sample of each; the one that its rate is counted from may be of before. */
const sampledSince = (watch: Watch, wallMs: number) =>
  waitFor(
    `new samples of all loads after ${new Date(wallMs).toISOString()}`,
    () => loadPods.every((name) => Date.parse(watch.newest(name)?.timestamp ?? '') > wallMs),
    180_000,
  );

const allSince = (watch: Watch, wallMs: number) =>
  waitFor(
    `rates of all loads from after ${new Date(wallMs).toISOString()}`,
    () => loadPods.every((name) => isSince(watch.newest(name), wallMs)),
    120_000,
  );

describe('containerd', () => {
  before(() => loads.running());

  test('away for longer than a cycle and back: no gap, and the samples go on', async (t) => {
    await using watch = await watchLoads();
    await cluster.stopComponent('containerd');
    const stoppedMs = Date.now();
    await sleep(resolutionMs + 5_000);
    await cluster.startComponent('containerd');
    const backMs = Date.now();
    await sampledSince(watch, backMs);
    const awaySeconds = (backMs - stoppedMs) / 1000;
    t.diagnostic(`away for ${awaySeconds.toFixed(1)} s`);
    t.diagnostic(`new samples ${((Date.now() - backMs) / 1000).toFixed(0)} s after it was back`);
    assertNoHole(watch, awaySeconds);
  });
});

describe('containerd where cAdvisor does not find it', {
  skip: program.name !== 'kubegauge' && 'it has no fallback',
}, () => {
  const socket = path.join(cluster.settings.runFolder, 'containerd/elsewhere.sock');
  const families = ['container_memory_working_set_bytes'];
  const labelled = async () =>
    (await cadvisorRows(cluster, families)).filter((row) => isContainerRow(row) && row.container !== '');
  const get = async (url: string) => {
    const { status, body } = await ask(cluster, `${server().url}${url}`, { token: credentials.readerToken });
    assert.equal(status, 200, body);
    return body;
  };
  const fallbackLines = () =>
    server()
      .log()
      .split('\n')
      .filter((line) => line.includes('served from /metrics/resource'));
  let watch: Watch;
  let movedMs = 0;

  before(async () => {
    await loads.running();
    watch = await watchLoads();
    assert.notEqual((await labelled()).length, 0);
    await cluster.moveRuntime(socket);
    movedMs = Date.now();
  });
  after(async () => {
    await watch[Symbol.asyncDispose]();
    // Where a test failed before it was put back.
    if (existsSync(socket)) await cluster.moveRuntime();
    // The server stays with the fallback for ten minutes.
    await server().stop();
    await shared.restart();
  });

  test('no row of a container has a label', async () => {
    await waitFor(
      'cAdvisor to report the containers',
      async () => (await cadvisorRows(cluster, families)).filter(isContainerRow).length >= 7,
      180_000,
    );
    assert.deepEqual(await labelled(), []);
  });

  test('the node is served from /metrics/resource: no pod is missing, and the numbers are right', async (t) => {
    await allSince(watch, movedMs);
    t.diagnostic(`rates of after that ${((Date.now() - movedMs) / 1000).toFixed(0)} s after it was moved`);
    assertNoHole(watch);
    const burned = watch.newest(`${loadNamespace}/burner`)?.containers.get('burn')?.cpuNanocores ?? 0;
    assert.ok(Math.abs(burned - burnedNanocores) <= 0.1 * burnedNanocores, `${burned} nanocores`);
    assert.deepEqual([...(watch.newest(`${loadNamespace}/pair`)?.containers.keys() ?? [])].sort(), ['first', 'second']);
  });

  test('/status, a metric and one line of the log say so and why', async (t) => {
    const report = JSON.parse(await get('/status')) as {
      degraded: { code: string; message: string }[];
      nodes: { name: string; source: string; fallback: string }[];
    };
    const node = report.nodes.find(({ name }) => name === cluster.nodeName);
    assert.equal(node?.source, 'resource');
    t.diagnostic(node.fallback);
    assert.match(node.fallback, /label/);
    assert.ok(report.degraded.some(({ code }) => code === 'NodeOnFallback'));
    const series = (await get('/metrics')).split('\n').filter((line) => line.startsWith('kubegauge_node_source{'));
    assert.deepEqual(series, [`kubegauge_node_source{node="${cluster.nodeName}",source="resource"} 1`]);
    assert.equal(fallbackLines().length, 1, fallbackLines().join('\n'));
    assert.match(fallbackLines()[0] ?? '', /label/);
  });

  test('back at its usual path nothing is left of it, and no pod is missing meanwhile', async () => {
    await cluster.moveRuntime();
    const backMs = Date.now();
    await waitFor('labelled rows', async () => (await labelled()).length >= 4, 180_000);
    await sampledSince(watch, backMs);
    assertNoHole(watch);
    assert.equal(existsSync(socket), false);
    assert.equal(existsSync(`${socket}.ttrpc`), false);
  });
});
