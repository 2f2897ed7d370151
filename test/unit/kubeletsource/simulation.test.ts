/** Holds served rates against the true ones of a simulated pod, over random faults and restarts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createNode, type NodeUnderTest, type PodRows, type RowValue } from './nodescrapes.ts';

const cpu = 'cpu_system_cores';
const network = 'network_receive_bytes_per_second';
const received = 'container_network_receive_bytes_total';
/** As of the node under test. */
const stalenessMs = 45_000;
const intervalMs = 15_000;
const setBackMs = 40_000;
/** A counter rises by 1 to 2 per second. */
const least = 1;
const most = 2;
/** Error of values in thousandths and in float64. */
const rounding = 0.002;

function countedSince(startMs: number, nowMs: number): number {
  const seconds = (nowMs - startMs) / 1000;
  return 1.5 * seconds + 3.5 * Math.sin(seconds / 7) + 5;
}

const faults = [
  'container restarts',
  'sandbox restarts',
  'pod is made again',
  'container cannot be read',
  'series of a container is missing',
  'series of the sandbox is missing',
  'container is missing',
  'interface appears',
  'no scrape',
  'clock is set back',
  'other metric is wanted',
] as const;

type Fault = (typeof faults)[number];

interface Scrape {
  /** How old the samples are: cAdvisor takes them independently of scrapes. */
  readonly ageMs: number;
  readonly fault: Fault | undefined;
}

const scrapes: fc.Arbitrary<Scrape[]> = fc.array(
  fc.record({
    ageMs: fc.integer({ min: 0, max: 14_000 }),
    fault: fc.oneof({ weight: 12, arbitrary: fc.constant(undefined) }, fc.constantFrom(...faults)),
  }),
  { minLength: 10, maxLength: 60 },
);

/** A pod of two containers. */
class SimulatedPod {
  readonly #under: NodeUnderTest;
  #uid = 0;
  readonly #attempts = { app: 1, sandbox: 1 };
  readonly #startsMs: { app: number; other: number; sandbox: number };
  #interfaces = 1;
  #hasStepped = false;
  /** Milliseconds that the node's clock is ahead. */
  offsetMs = 0;

  constructor(under: NodeUnderTest) {
    this.#under = under;
    const startMs = under.clock.wallMs() - 1e7;
    this.#startsMs = { app: startMs, other: startMs, sandbox: startMs };
  }

  async scrape({ ageMs, fault }: Scrape): Promise<void> {
    await this.#under.clock.advance(intervalMs);
    const sampleMs = this.#under.clock.wallMs() - ageMs;
    await this.#begin(fault, sampleMs - 1_000);
    const pod = this.#rows(fault, sampleMs);
    if (fault === 'no scrape') return this.#under.setPods([pod]);
    this.#under.scrape({ runtime: 'containerd', pods: [pod] }, ageMs - this.offsetMs, this.#hasStepped);
    this.#hasStepped = false;
  }

  async #begin(fault: Fault | undefined, startMs: number): Promise<void> {
    if (fault === 'container restarts') {
      this.#attempts.app += 1;
      this.#startsMs.app = startMs;
    } else if (fault === 'sandbox restarts') {
      this.#attempts.sandbox += 1;
      this.#startsMs.sandbox = startMs;
      this.#interfaces = 1;
    } else if (fault === 'pod is made again') {
      this.#uid += 1;
      Object.assign(this.#startsMs, { app: startMs, other: startMs, sandbox: startMs });
      this.#interfaces = 1;
    } else if (fault === 'interface appears') this.#interfaces += 1;
    else if (fault === 'clock is set back') {
      this.offsetMs -= setBackMs;
      this.#hasStepped = true;
    } else if (fault === 'other metric is wanted') await this.#under.get('memory_rss_bytes', 'pods', 'shop', 'web-0');
  }

  #rows(fault: Fault | undefined, sampleMs: number): PodRows {
    const system = (startMs: number): RowValue => ({
      family: 'container_cpu_system_seconds_total',
      value:
        fault === 'container cannot be read' && startMs === this.#startsMs.app ? 0 : countedSince(startMs, sampleMs),
    });
    const rss: RowValue = { family: 'container_memory_rss', value: 4_096 };
    const traffic = Array.from({ length: this.#interfaces }, (_, index) => ({
      family: received,
      value: index === 0 ? countedSince(this.#startsMs.sandbox, sampleMs) : 1e9 * index,
      labels: { interface: `eth${index}` },
    }));
    const app = fault === 'series of a container is missing' ? [rss] : [rss, system(this.#startsMs.app)];
    return {
      namespace: 'shop',
      name: 'web-0',
      uid: `11111111-2222-4333-8444-${String(this.#uid).padStart(12, '0')}`,
      sandboxAttempt: this.#attempts.sandbox,
      attempts: { app: this.#attempts.app },
      sandbox: fault === 'series of the sandbox is missing' ? [] : traffic,
      containers: {
        ...(fault === 'container is missing' ? {} : { app }),
        other: [rss, system(this.#startsMs.other)],
      },
    };
  }
}

for (const windowMs of [15_000, 60_000, 600_000]) {
  test(`over a window of ${windowMs} ms a served rate is one that the counters had`, async () => {
    await fc.assert(
      fc.asyncProperty(scrapes, async (all) => {
        const under = createNode([cpu, network], { windowMs });
        const pod = new SimulatedPod(under);
        let wholeMs = -Infinity;
        const setBacksMs: number[] = [];
        for (const [index, each] of all.entries()) {
          // Two first samples of 0 are those of an idle container.
          const isEarly = index < 2 && each.fault === 'container cannot be read';
          const scrape = isEarly ? { ...each, fault: undefined } : each;
          await pod.scrape(scrape);
          const nowMs = under.clock.wallMs();
          if (scrape.fault === 'clock is set back') setBacksMs.push(nowMs);
          // A served sample may be from before each of them.
          const recent = setBacksMs.filter((atMs) => nowMs - atMs <= stalenessMs + 2 * intervalMs).length;
          const stepsMs = Math.max(1, recent) * setBackMs;
          if (scrape.fault === 'pod is made again') wholeMs = -Infinity;
          for (const [metric, parts] of [
            [cpu, 2],
            [network, 1],
          ] as const) {
            const [sample] = (await under.get(metric, 'pods', 'shop', 'web-0')).samples;
            if (sample === undefined) continue;
            const value = Number(sample.valueMilli) / 1000;
            const what = `${metric} of ${value} after ${scrape.fault ?? 'no fault'}`;
            // A part of a pod is served after its whole is stale.
            const isPart = parts === 2 && value < 2 * least - rounding && nowMs - wholeMs > stalenessMs;
            if (parts === 2 && !isPart) wholeMs = nowMs;
            assert.ok(value >= (isPart ? least : parts * least) - rounding, what);
            assert.ok(value <= parts * most + rounding, what);
            const sinceMs = nowMs - (sample.timestampMs - pod.offsetMs);
            assert.ok(sinceMs >= -stepsMs && sinceMs <= stalenessMs + 2 * intervalMs + stepsMs, `time of ${what}`);
          }
        }
      }),
      { numRuns: 40 },
    );
  });
}
