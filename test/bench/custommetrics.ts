/**
 * Measures custom metrics from kubelets: CPU of a scrape of 30 pods with none, two and ten metrics wanted, from the bytes to the stored values, beside the
 * same body without any; and memory per pod and metric.
 */
import { createDemand } from '../../src/kubeletsource/demand.ts';
import { createSeriesStore, type SeriesStore } from '../../src/kubeletsource/seriesstore.ts';
import { answerTime } from '../../src/decode/sampletime.ts';
import { createSeriesDecoder } from '../../src/decode/series/seriesdecoder.ts';
import { familiesOf, type WantedColumns } from '../../src/sample/seriescolumns.ts';
import { systemClock } from '../../src/clock.ts';
import { beginReadings } from '../../src/scrape/endpoint/bodyreadings.ts';
import { type Encoded, encodeFamilies } from '../fakes/exposition.ts';
import { cadvisorFamilies } from '../fakes/kubeletrows.ts';
import { briefQuestion, fullFamilies } from './body.ts';
import { customFamilies, wantedMetrics } from './customfamilies.ts';
import { createNodeDecoder, recordBytes } from './decodeonce.ts';
import { createCollect } from './heap.ts';
import { type Contender, type Figures, figureOf, inTurns, single } from './measure.ts';
import { nodeModel } from './nodemodel.ts';

const pods = 30;
const ticks = 6;
const tickMs = 15_000;
const turns = { rounds: 9, roundMs: 100, warmUpMs: 500 };

export async function benchCustomMetrics(figures: Figures): Promise<void> {
  const contenders: Contender[] = [];
  for (const [wanted, metrics] of Object.entries(wantedMetrics)) {
    for (const form of ['filtered', 'full'] as const) {
      const scrapes = scrapesOf(metrics, form);
      figures.set(`custom.${pods}.${form}.${wanted}.size`, single(scrapes.bodies[0]!.bytes.length, 'bytes'));
      contenders.push(contender(`custom.${pods}.${form}.${wanted}`, scrapes));
    }
  }
  for (const [name, values] of await inTurns(contenders, turns)) figures.set(name, figureOf(values, 'us'));
  for (const [wanted, metrics] of Object.entries(wantedMetrics))
    if (metrics.length > 0) await memory(figures, wanted, metrics);
}

interface Scrapes {
  readonly wanted: WantedColumns;
  readonly metrics: readonly string[];
  readonly bodies: readonly Encoded[];
  readonly timesMs: readonly number[];
}

function demandOf(metrics: readonly string[]) {
  return createDemand({ clock: systemClock, always: metrics, onAutoscalers: () => undefined });
}

function scrapesOf(metrics: readonly string[], form: 'filtered' | 'full'): Scrapes {
  const wanted = demandOf(metrics).columns();
  const firstMs = Date.now();
  const timesMs = Array.from({ length: ticks }, (_, tick) => firstMs + tick * tickMs);
  return { wanted, metrics, timesMs, bodies: timesMs.map((nowMs) => bodyOf(wanted, form, nowMs)) };
}

function bodyOf(wanted: WantedColumns, form: 'filtered' | 'full', nowMs: number): Encoded {
  const model = nodeModel('node-0', pods, nowMs);
  const all = form === 'full' ? fullFamilies(model, nowMs) : cadvisorFamilies(model, 'usual', nowMs);
  const requested = form === 'full' ? all : all.filter(({ name }) => briefQuestion.includes(name));
  const added = customFamilies(all, familiesOf(wanted));
  const others = requested.filter(({ name }) => !added.some((family) => family.name === name));
  return encodeFamilies([...others, ...added], true);
}

function storeOf(metrics: readonly string[]): SeriesStore {
  return createSeriesStore({
    clock: systemClock,
    windowMs: 60_000,
    resolutionMs: tickMs,
    stalenessMs: 3 * tickMs,
    hasEnded: () => undefined,
    wanted: demandOf(metrics).metrics,
    isDemandKnown: () => true,
  });
}

/** As production does, from the records of TLS to the values. */
function createScrape(
  { wanted, metrics, bodies, timesMs }: Scrapes,
  node = 'node-0',
  store = storeOf(metrics),
): () => void {
  const decoder = createNodeDecoder();
  const seriesDecoder = createSeriesDecoder();
  let next = 0;
  return () => {
    const { bytes, contentType } = bodies[next]!;
    const nowMs = timesMs[next]!;
    next = (next + 1) % ticks;
    const { reader, finish } = beginReadings(decoder, seriesDecoder, { contentType, brief: decoder.settled, wanted });
    for (let at = 0; at < bytes.length; at += recordBytes) {
      if (!reader.write(bytes.subarray(at, at + recordBytes))) break;
    }
    const results = finish(answerTime(nowMs, nowMs));
    if (results instanceof Promise) throw new Error('the body of 30 pods is long');
    const [decoded, series] = results;
    if (decoded?.kind !== 'batch') throw new Error(`a body of the benchmark is ${decoded?.kind}: ${decoded?.reason}`);
    if (wanted.length > 0 && series?.kind !== 'series')
      throw new Error(`series are ${series?.kind}: ${series?.reason}`);
    store.store({ batch: { ...decoded.batch, node }, series, spacingMs: tickMs, hasStepped: false });
  };
}

function contender(name: string, scrapes: Scrapes): Contender {
  const scrape = createScrape(scrapes);
  return {
    name,
    run(times) {
      for (let time = 0; time < times; time += 1) scrape();
    },
  };
}

const nodes = 200;
/** Stores that are filled and dropped, one after the other. */
const memoryRounds = 3;
/** Counts of all values, as for each scrape of our metrics. */
const countings = 50;

/** Measures heap and typed arrays of many nodes' stores, each after as many scrapes as a window has, and the CPU of counting their values. */
async function memory(figures: Figures, wanted: string, metrics: readonly string[]): Promise<void> {
  const scrapes = scrapesOf(metrics, 'filtered');
  const perValue: number[] = [];
  // The first round compiles the code and allocates what lasts.
  for (let round = 0; round <= memoryRounds; round += 1) {
    const bytes = await grownBytes(scrapes, (store) => benchCounts(figures, wanted, store));
    if (round > 0) perValue.push(bytes / nodes / pods / metrics.length);
  }
  figures.set(`custom.memory.${wanted}.per-pod-and-metric`, figureOf(perValue, 'bytes'));
}

/** Returns by how many bytes a full store has grown this process. A function of its own, so that its store is garbage behind it. */
async function grownBytes(scrapes: Scrapes, use: (store: SeriesStore) => void): Promise<number> {
  const before = await settledBytes();
  const store = storeOf(scrapes.metrics);
  for (let node = 0; node < nodes; node += 1) fill(scrapes, `node-${node}`, store);
  const grown = (await settledBytes()) - before;
  use(store);
  return grown;
}

function benchCounts(figures: Figures, wanted: string, store: SeriesStore): void {
  const began = process.cpuUsage();
  for (let count = 0; count < countings; count += 1) store.counts();
  const { user, system } = process.cpuUsage(began);
  const us = ((user + system) / countings / nodes / pods) * 1_000;
  figures.set(`custom.counts.${wanted}.per-1000-pods`, single(us, 'us'));
  const { numbers, bytes } = store.counts();
  figures.set(`custom.memory.${wanted}.samples-per-value`, single(bytes / numbers, 'bytes'));
}

/** The decoders are dropped: they are counted by `decode`. */
function fill(scrapes: Scrapes, node: string, store: SeriesStore): void {
  const scrape = createScrape(scrapes, node, store);
  for (let tick = 0; tick < ticks; tick += 1) scrape();
}

const collect = createCollect();
const mostCollections = 20;

/** Returns bytes of heap and buffers behind all garbage: buffers are freed some time after a collection, and make more garbage. */
async function settledBytes(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let again = 0; again < mostCollections; again += 1) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    if (heapUsed + arrayBuffers >= least) break;
    least = heapUsed + arrayBuffers;
  }
  return least;
}
