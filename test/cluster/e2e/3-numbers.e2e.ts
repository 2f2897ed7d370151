/** Whether the numbers are right: against loads of known size, and against the real metrics-server. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { waitFor } from '../wait.ts';
import { harness } from './harness.ts';
import { burnedNanocores, heldBytes, loadNamespace } from './loads.ts';
import { startPeer } from './peer.ts';
import { fieldOf } from './pods.ts';
import { nodeReadings, type PodReading, parseWindowMs, podReadings, type Source } from './readings.ts';
import type { ServerProcess } from './server.ts';

const shared = harness();
const { cluster, program, loads, credentials, server } = shared;

const [version] = program.versions;
const ours = (): Source => ({ url: server().url, version, token: credentials.readerToken });

function assertWithin(share: number, actual: number, expected: number, what: string): void {
  const off = Math.abs(actual - expected) / expected;
  assert.ok(off <= share, `${what}: ${actual} is ${(off * 100).toFixed(1)} % off ${expected}`);
}

before(() => loads.running());

describe('loads of known size', () => {
  const started = async (name: string) =>
    Date.parse(
      await fieldOf(cluster, loadNamespace, `pod/${name}`, '{.status.containerStatuses[0].state.running.startedAt}'),
    );
  /** The first reading of a pod whose window began when the pod was already at its load. */
  async function steady(name: string): Promise<PodReading> {
    const loadedMs = (await started(name)) + 5_000;
    return waitFor(
      `a reading of ${name} from after its start`,
      async () => {
        const reading = (await podReadings(cluster, ours())).get(`${loadNamespace}/${name}`);
        if (reading === undefined) return undefined;
        const beganMs = Date.parse(reading.timestamp) - parseWindowMs(reading.window);
        return beganMs > loadedMs ? reading : undefined;
      },
      90_000,
      1_000,
    );
  }

  test('a container that burns 300m of a core is reported within 10 %', async (t) => {
    const burned = (await steady('burner')).containers.get('burn')?.cpuNanocores ?? 0;
    t.diagnostic(`burner: ${(burned / 1e6).toFixed(1)}m of 300m`);
    assertWithin(0.1, burned, burnedNanocores, 'CPU of the burner');
  });

  test('a container that holds 64Mi of memory is reported within 10 %', async (t) => {
    const held = (await steady('holder')).containers.get('hold')?.memoryBytes ?? 0;
    t.diagnostic(`holder: ${(held / 2 ** 20).toFixed(1)}Mi of 64Mi`);
    assertWithin(0.1, held, heldBytes, 'memory of the holder');
  });
});

describe('the same as the real metrics-server beside it', () => {
  /** The same container's or node's numbers from both. */
  interface Pair {
    readonly name: string;
    readonly sameSample: boolean;
    readonly cpu: readonly [number, number];
    readonly memory: readonly [number, number];
  }
  const wantedSameSamples = 4;
  let peer: ServerProcess;
  const pods: Pair[] = [];
  const nodes: Pair[] = [];

  before(async () => {
    peer = await startPeer(shared);
    const theirs: Source = { url: peer.url, version: 'v1beta1', token: credentials.readerToken };
    const seen = new Set<string>();
    // Asked until there are enough pairs of the same sample; the others are compared as well.
    await waitFor(
      'both to have told the same sample often enough',
      async () => {
        const [ourPods, theirPods, ourNodes, theirNodes] = await Promise.all([
          podReadings(cluster, ours()),
          podReadings(cluster, theirs),
          nodeReadings(cluster, ours()),
          nodeReadings(cluster, theirs),
        ]);
        for (const [name, their] of theirPods) comparePods(seen, name, ourPods.get(name), their);
        const our = ourNodes.get(cluster.nodeName);
        const their = theirNodes.get(cluster.nodeName);
        if (our !== undefined && their !== undefined && isNew(seen, 'node', our, their)) {
          nodes.push(pair(cluster.nodeName, our, their, our, their));
        }
        const enough = (pairs: Pair[]) => pairs.filter(({ sameSample }) => sameSample).length >= wantedSameSamples;
        return enough(pods.filter(({ name }) => name.includes('burner'))) && enough(nodes);
      },
      150_000,
      1_000,
    );
  });
  after(() => peer?.stop());

  type Sampled = Pick<PodReading, 'timestamp' | 'window'>;
  interface Amounts {
    readonly cpuNanocores: number;
    readonly memoryBytes: number;
  }

  function comparePods(seen: Set<string>, name: string, our: PodReading | undefined, their: PodReading): void {
    assert.ok(our, `metrics-server knows ${name}, ${program.name} does not`);
    assert.deepEqual([...our.containers.keys()].sort(), [...their.containers.keys()].sort());
    if (!isNew(seen, name, our, their)) return;
    for (const [container, theirAmounts] of their.containers) {
      const ourAmounts = our.containers.get(container);
      if (ourAmounts !== undefined) pods.push(pair(`${name}/${container}`, our, their, ourAmounts, theirAmounts));
    }
  }

  /** The same pair is told many times until the next scrape. */
  function isNew(seen: Set<string>, name: string, our: Sampled, their: Sampled): boolean {
    const key = [name, our.timestamp, our.window, their.timestamp, their.window].join(' ');
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  }

  function pair(name: string, our: Sampled, their: Sampled, ourAmounts: Amounts, theirAmounts: Amounts): Pair {
    return {
      name,
      sameSample: our.timestamp === their.timestamp && our.window === their.window,
      cpu: [ourAmounts.cpuNanocores, theirAmounts.cpuNanocores],
      memory: [ourAmounts.memoryBytes, theirAmounts.memoryBytes],
    };
  }

  test('the same sample, the same value: pods and node', (t) => {
    const same = [...pods, ...nodes].filter(({ sameSample }) => sameSample);
    t.diagnostic(`${same.length} pairs of the same sample, of ${pods.length + nodes.length} pairs`);
    for (const { name, cpu, memory } of same) {
      assert.equal(cpu[0], cpu[1], `CPU of ${name}`);
      assert.equal(memory[0], memory[1], `memory of ${name}`);
    }
  });

  test('another sample, within 15 %: the loads that are steady', (t) => {
    const steadyLoads = pods.filter(({ name }) => /burner|holder/.test(name));
    t.diagnostic(`${steadyLoads.filter(({ sameSample }) => !sameSample).length} pairs of another sample`);
    for (const { name, cpu, memory } of steadyLoads) {
      if (name.includes('burner')) assertWithin(0.15, cpu[0], cpu[1], `CPU of ${name}`);
      assertWithin(0.15, memory[0], memory[1], `memory of ${name}`);
    }
  });
});
