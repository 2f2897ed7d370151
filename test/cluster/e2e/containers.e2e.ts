/**
 * Which containers are listed of pods of every kind, and with which numbers. The kubelet does all of these on either cgroup version, pod-level
 * resources and resizing included, so none needs fakes.
 */
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { staticPodFolder } from '../components.ts';
import { waitFor } from '../wait.ts';
import { harness } from './harness.ts';
import { cadvisorRows, type CadvisorRow } from './kubelet.ts';
import { containerCgroups, recordUsage } from './kernelusage.ts';
import { dropNamespaces, makeNamespace } from './namespaces.ts';
import { apply, container, fieldOf, memoryFolder, pod, podsReady, type Script } from './pods.ts';
import { isSince, parseWindowMs, type PodReading } from './readings.ts';
import { resolutionMs, toleratedSeconds } from './server.ts';
import { longestAbsence, longestPause, type Watch, watchPods } from './watch.ts';

const { cluster, program, source } = harness();

const namespace = 'e2e-containers';
const key = (name: string) => `${namespace}/${name}`;
const idle = { script: 'exec sleep infinity' };
const burn = 'while :; do :; done';
const burning = (cpu: string) => ({ script: burn, requests: { cpu }, limits: { cpu } });
/** Long enough to be sampled. Its memory is the container's that wrote it. */
const hoard = { script: `dd if=/dev/zero of=${memoryFolder}/hoard bs=1M count=32; sleep 12` };
/** Does not end when it is asked to. */
const deaf = { script: "trap '' TERM; while :; do sleep 1; done" };
/** A window cuts the turns of 100 ms of a burner that is throttled to a small share, and timestamps are whole seconds. */
const share = 0.25;

describe('containers', { concurrency: true }, () => {
  let watch: Watch;
  /** When the kubelet had usable samples of both containers of the fresh pod, monotonic. */
  let usable: Promise<number>;
  const staticPod = `static-${cluster.nodeName}`;
  const staticFile = path.join(staticPodFolder(cluster.settings), 'e2e.json');

  before(async () => {
    await makeNamespace(cluster, namespace);
    watch = watchPods(cluster, source());
    await writeFile(staticFile, JSON.stringify(pod(cluster, namespace, 'static', { main: burning('50m') })));
    const amounts = { cpu: '100m', memory: '64Mi' };
    const sidecar = Object.assign(container(cluster, 'side', burning('50m')), { restartPolicy: 'Always' });
    await apply(cluster, [
      pod(cluster, namespace, 'fresh', { one: idle, other: idle }),
      withSpec('initialised', { main: idle }, { initContainers: [container(cluster, 'prepare', hoard)] }),
      withSpec('sidecar', { main: idle }, { initContainers: [sidecar] }),
      withSpec('terminating', { main: deaf }, { terminationGracePeriodSeconds: 25 }),
      pod(cluster, namespace, 'debugged', { main: idle }),
      // The pod has a limit, its containers have none.
      withSpec('shared', { burn: { script: burn }, rest: idle }, { resources: { requests: amounts, limits: amounts } }),
      pod(cluster, namespace, 'resized', { main: burning('50m') }),
    ]);
    // It has to be seen from the start on, and others take long to be ready.
    usable = firstUsable('fresh', 2);
    usable.catch(() => undefined);
    await podsReady(cluster, namespace);
  });
  after(async () => {
    await rm(staticFile, { force: true });
    await watch[Symbol.asyncDispose]();
    // They use a third of a core.
    await dropNamespaces(cluster, namespace);
  });

  /** A pod of such containers with more in its spec. */
  function withSpec(name: string, containers: Readonly<Record<string, Script>>, more: Partial<V1PodSpec>): V1Pod {
    const made = pod(cluster, namespace, name, containers);
    Object.assign(made.spec ?? {}, more);
    return made;
  }

  /** Usable is a sample from 10 s after the start on: before, the start time is not exact enough to count a rate from. */
  function firstUsable(name: string, containers: number): Promise<number> {
    const families = ['container_memory_working_set_bytes', 'container_start_time_seconds'];
    return waitFor(
      `the kubelet to have usable samples of all containers of ${name}`,
      async () => {
        const rows = await cadvisorRows(cluster, families);
        const own = rows.filter((row) => row.namespace === namespace && row.pod === name && row.container !== '');
        const starts = own.filter(({ family }) => family === 'container_start_time_seconds');
        const isUsable = (start: CadvisorRow) =>
          own.some(({ id, timestampMs = 0 }) => id === start.id && timestampMs >= start.value * 1000 + 10_000);
        return starts.length === containers && starts.every(isUsable) && performance.now();
      },
      180_000,
    );
  }

  const listed = (name: string): Promise<PodReading> =>
    waitFor(`${name} to be measured`, () => watch.newest(key(name)), 180_000);
  /** A reading of the time after a moment only. */
  const since = (name: string, wallMs: number): Promise<PodReading> =>
    waitFor(
      `a reading of ${name} from after ${new Date(wallMs).toISOString()}`,
      () => {
        const reading = watch.newest(key(name));
        return isSince(reading, wallMs) && reading;
      },
      90_000,
    );
  const namesOf = (reading: PodReading | undefined) => [...(reading?.containers.keys() ?? [])].sort();
  const cpuOf = (reading: PodReading, name: string) => (reading.containers.get(name)?.cpuNanocores ?? 0) / 1e6;

  /** Compares a reading from now on with what the kernel has counted in its window; returns the reading. */
  async function assertUsage(
    t: TestContext,
    name: string,
    containers: readonly string[],
    limit: number,
  ): Promise<PodReading> {
    await using kernel = recordUsage(await containerCgroups(cluster, key(name), containers));
    // A second more, so that the record has all of the window.
    const reading = await since(name, Date.now() + 1_000);
    const toMs = Date.parse(reading.timestamp) + 500;
    const expected = kernel.millicores(toMs - parseWindowMs(reading.window), toMs);
    const actual = containers.reduce((sum, each) => sum + cpuOf(reading, each), 0);
    t.diagnostic(`${actual.toFixed(1)}m, by the kernel ${expected.toFixed(1)}m, of ${limit}m`);
    assert.ok(Math.abs(actual - expected) <= share * expected, `${actual}m, not ${expected}m`);
    assert.ok(actual <= (1 + share) * limit, `${actual}m with a limit of ${limit}m`);
    return reading;
  }

  /** Asserts the containers of every answer that has the pod. */
  function assertAlways(name: string, ...expected: string[]): void {
    const answers = watch.observations.flatMap(({ pods }) => pods?.get(key(name)) ?? []);
    assert.ok(answers.length > 0);
    for (const answer of answers) assert.deepEqual(namesOf(answer), expected);
  }

  function assertNoHole(name: string): void {
    const gap = longestAbsence(watch.observations, key(name));
    assert.ok(gap <= toleratedSeconds(program), `${name} was missing for ${gap} s`);
  }

  test('a new container is served a cycle after its first usable sample', async (t) => {
    const usableMs = await usable;
    const reading = await listed('fresh');
    const first = watch.observations.find(({ pods }) => pods?.has(key('fresh')));
    const seconds = ((first?.atMs ?? 0) - usableMs) / 1000;
    t.diagnostic(`listed ${seconds.toFixed(1)} s after the kubelet had it, over a window of ${reading.window}`);
    const late = longestPause(watch.observations.filter(({ atMs }) => atMs > usableMs - resolutionMs));
    assert.ok(seconds <= resolutionMs / 1000 + 2 + late, `${seconds} s`);
    assert.ok(parseWindowMs(reading.window) >= 10_000, reading.window);
    assertAlways('fresh', 'one', 'other');
  });

  test('an init container that ended is not listed, and its memory counts for no container', async () => {
    await listed('initialised');
    const ended = await fieldOf(
      cluster,
      namespace,
      'pod/initialised',
      '{.status.initContainerStatuses[0].state.terminated.finishedAt}',
    );
    const reading = await since('initialised', Date.parse(ended));
    assertAlways('initialised', 'main');
    assert.ok((reading.containers.get('main')?.memoryBytes ?? Infinity) < 16 * 2 ** 20);
    assertNoHole('initialised');
  });

  test('a sidecar is listed beside the container, each with its own', async (t) => {
    const reading = await assertUsage(t, 'sidecar', ['side'], 50);
    assertAlways('sidecar', 'main', 'side');
    assert.ok(cpuOf(reading, 'main') < 10);
    assertNoHole('sidecar');
  });

  test('a terminating pod is listed for as long as its container runs', async (t) => {
    await listed('terminating');
    await cluster.kubectl(['delete', 'pod', 'terminating', `--namespace=${namespace}`]);
    const goneMs = performance.now();
    await waitFor('one more cycle', () => (watch.observations.at(-1)?.atMs ?? 0) > goneMs + resolutionMs, 180_000);
    const last = watch.observations.findLastIndex(({ pods }) => pods?.has(key('terminating')));
    const seconds = ((watch.observations[last]?.atMs ?? 0) - goneMs) / 1000;
    t.diagnostic(`last listed ${seconds.toFixed(1)} s after the pod was gone`);
    const late = longestPause(watch.observations.filter(({ atMs }) => atMs > goneMs - resolutionMs));
    assert.ok(Math.abs(seconds) <= 2 + late, `${seconds} s`);
    assert.ok(longestAbsence(watch.observations.slice(0, last + 1), key('terminating')) <= toleratedSeconds(program));
  });

  test('a static pod is listed under its node, and is gone with its file', async (t) => {
    await assertUsage(t, staticPod, ['main'], 50);
    assertAlways(staticPod, 'main');
    assertNoHole(staticPod);
    await rm(staticFile);
    await cluster.kubectl(['wait', 'pod', staticPod, '--for=delete', '--timeout=50s', `--namespace=${namespace}`]);
    // The next scrape is enough; a pod without an end would be listed for three times as long.
    await waitFor(
      'it to be listed no more',
      () => watch.observations.at(-1)?.pods?.has(key(staticPod)) === false,
      2 * resolutionMs,
    );
  });

  test('an ephemeral container comes and goes without a gap in the pod', async (t) => {
    await listed('debugged');
    const image = [`--image=${cluster.images.busybox}`, '--image-pull-policy=Never', '--profile=general'];
    const args = ['debug', 'pod/debugged', `--namespace=${namespace}`, ...image, '--container=debugger'];
    await cluster.kubectl([...args, '--', '/bin/sh', '-c', "trap 'exit 0' TERM; while :; do sleep 1; done"]);
    const addedMs = performance.now();
    const ofBoth = () => {
      const reading = watch.newest(key('debugged'));
      return namesOf(reading).join() === 'debugger,main' && reading;
    };
    const both = await waitFor('the ephemeral container to be listed', ofBoth, 180_000);
    t.diagnostic(`listed ${((performance.now() - addedMs) / 1000).toFixed(1)} s after it was added`);
    assert.ok((both.containers.get('debugger')?.memoryBytes ?? 0) > 0);
    const exec = ['exec', 'debugged', '--container=debugger', `--namespace=${namespace}`];
    await cluster.kubectl([...exec, '--', '/bin/sh', '-c', 'kill 1']);
    const ended = '{.status.ephemeralContainerStatuses[0].state.terminated.exitCode}';
    await waitFor(
      'it to end',
      async () => (await fieldOf(cluster, namespace, 'pod/debugged', ended)) === '0',
      180_000,
      1_000,
    );
    const endedMs = performance.now();
    const alone = () => namesOf(watch.newest(key('debugged'))).join() === 'main';
    // The API has reported its end, so the next scrape is enough; it would be waited for three times as long.
    await waitFor('it to be listed no more', alone, 2 * resolutionMs);
    t.diagnostic(`listed no more ${((performance.now() - endedMs) / 1000).toFixed(1)} s after it ended`);
    assertNoHole('debugged');
  });

  test('a pod with pod-level resources is listed by its containers, which share its limit', async (t) => {
    await assertUsage(t, 'shared', ['burn', 'rest'], 100);
    assertAlways('shared', 'burn', 'rest');
    assertNoHole('shared');
  });

  test('a container that is resized in place goes on, with the new numbers and no gap', async (t) => {
    await assertUsage(t, 'resized', ['main'], 50);
    const resources = { requests: { cpu: '150m' }, limits: { cpu: '150m' } };
    const patch = JSON.stringify({ spec: { containers: [{ name: 'main', resources }] } });
    const args = ['patch', 'pod', 'resized', `--namespace=${namespace}`, '--subresource=resize', '--patch', patch];
    await cluster.kubectl(args);
    const [field, limit] = ['{.status.containerStatuses[0]', '.resources.limits.cpu}'];
    const isResized = async () => (await fieldOf(cluster, namespace, 'pod/resized', field + limit)) === '150m';
    await waitFor('the container to be resized', isResized, 180_000);
    await assertUsage(t, 'resized', ['main'], 150);
    assert.equal(await fieldOf(cluster, namespace, 'pod/resized', `${field}.restartCount}`), '0');
    assertNoHole('resized');
  });
});
