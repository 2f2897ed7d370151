/** Whether the numbers are right: against loads of known size, and against the real metrics-server. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { waitFor } from '../wait.ts';
import { harness } from './harness.ts';
import { containerCgroups, recordUsage } from './kernelusage.ts';
import { burnedNanocores, heldBytes, loadNamespace } from './loads.ts';
import { startPeerInStep } from './peer.ts';
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

describe('loads of known size', () => {
  before(() => loads.running());

  const started = async (name: string) =>
    Date.parse(
      await fieldOf(cluster, loadNamespace, `pod/${name}`, '{.status.containerStatuses[0].state.running.startedAt}'),
    );
  /** The first reading of a pod whose window began when the pod was already at its load, and after a moment. */
  async function steady(name: string, sinceMs = 0): Promise<PodReading> {
    const loadedMs = Math.max((await started(name)) + 5_000, sinceMs);
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

  test('a container that burns 300m of a core is reported within 10 % of what the kernel counts', async (t) => {
    await using kernel = recordUsage(await containerCgroups(cluster, `${loadNamespace}/burner`, ['burn']));
    const { timestamp, window, containers } = await steady('burner', Date.now());
    const burned = containers.get('burn')?.cpuNanocores ?? 0;
    // Timestamps are whole seconds.
    const toMs = Date.parse(timestamp) + 500;
    const counted = kernel.millicores(toMs - parseWindowMs(window), toMs) * 1e6;
    t.diagnostic(`burner: ${(burned / 1e6).toFixed(1)}m, by the kernel ${(counted / 1e6).toFixed(1)}m, of 300m`);
    assertWithin(0.1, burned, counted, 'CPU of the burner');
    assert.ok(burned <= 1.1 * burnedNanocores, `${burned} nanocores are more than the limit`);
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
  /** A pod's reading, or a node's as if it were a pod with one container. */
  type Readings = ReadonlyMap<string, PodReading>;
  const wantedSameSamples = 3;
  const node = 'node';
  let peer: ServerProcess;
  const pairs: Pair[] = [];
  const same = () => pairs.filter(({ sameSample }) => sameSample);
  const other = () => pairs.filter(({ sameSample }) => !sameSample);

  before(async () => {
    await loads.running();
    peer = await startPeerInStep(shared);
    const theirs: Source = { url: peer.url, version: 'v1beta1', token: credentials.readerToken };
    const seen = new Set<string>();
    let newest: Readings = new Map();
    let beforeNewest: Readings = new Map();
    // Read until there are enough pairs of the same sample. The peer's previous answer gives pairs of different samples.
    await waitFor(
      'both to have served the same sample often enough',
      async () => {
        const [our, their] = await Promise.all([readings(ours()), readings(theirs)]);
        addPairs(seen, our, their);
        if (isNewer(their, newest)) [beforeNewest, newest] = [newest, their];
        addPairs(seen, our, beforeNewest);
        const enough = (what: string) => same().filter(({ name }) => name.includes(what)).length >= wantedSameSamples;
        return enough('burner') && enough(node);
      },
      150_000,
      1_000,
    );
  });
  after(() => peer?.stop());

  async function readings(source: Source): Promise<Readings> {
    const [pods, nodes] = await Promise.all([podReadings(cluster, source), nodeReadings(cluster, source)]);
    const asPods = [...nodes].map(([name, { timestamp, window, ...amounts }]) => {
      return [`${node} ${name}`, { timestamp, window, containers: new Map([['', amounts]]) }] as const;
    });
    return new Map([...pods, ...asPods]);
  }

  /** The same pair of readings is served many times until the next scrape; it counts once. */
  function addPairs(seen: Set<string>, ourReadings: Readings, theirReadings: Readings): void {
    for (const [name, their] of theirReadings) {
      const our = ourReadings.get(name);
      assert.ok(our, `metrics-server knows ${name}, ${program.name} does not`);
      assert.deepEqual([...our.containers.keys()].sort(), [...their.containers.keys()].sort());
      const which = `ours of ${our.timestamp} over ${our.window}, theirs of ${their.timestamp} over ${their.window}`;
      if (seen.has(`${name} ${which}`)) continue;
      seen.add(`${name} ${which}`);
      for (const [container, { cpuNanocores, memoryBytes }] of our.containers) {
        const theirAmounts = their.containers.get(container);
        pairs.push({
          name: `${name} ${container} (${which})`,
          sameSample: our.timestamp === their.timestamp && our.window === their.window,
          cpu: [cpuNanocores, theirAmounts?.cpuNanocores ?? 0],
          memory: [memoryBytes, theirAmounts?.memoryBytes ?? 0],
        });
      }
    }
  }

  function isNewer(readings: Readings, before: Readings): boolean {
    return [...readings].some(([name, { timestamp }]) => before.get(name)?.timestamp !== timestamp);
  }

  test('the same sample, the same value: pods and node', (t) => {
    t.diagnostic(`${same().length} pairs`);
    for (const { name, cpu, memory } of same()) {
      assert.equal(cpu[0], cpu[1], `CPU of ${name}`);
      assert.equal(memory[0], memory[1], `memory of ${name}`);
    }
  });

  test('another sample, within 15 %: the loads that are steady', (t) => {
    const steadyLoads = other().filter(({ name }) => /burner|holder/.test(name));
    t.diagnostic(`${steadyLoads.length} pairs`);
    assert.ok(steadyLoads.length > 0);
    for (const { name, cpu, memory } of steadyLoads) {
      if (name.includes('burner')) assertWithin(0.15, cpu[0], cpu[1], `CPU of ${name}`);
      assertWithin(0.15, memory[0], memory[1], `memory of ${name}`);
    }
  });
});
