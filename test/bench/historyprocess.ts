/** Fills a store, then its history, and reports to its parent by how many bytes the second has grown this process, and what it costs; garbage aside. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { createSnapshotKeeper, historyLimitBytes } from '../../src/command/snapshotfile.ts';
import { createHistory, type History } from '../../src/history/history.ts';
import { silentLogger } from '../../src/logging.ts';
import { fillStore } from './fullstore.ts';
import { createCollect } from './heap.ts';
import { temporaryFolder } from './temporaryfolder.ts';

export interface HistoryReport {
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly arrayBytes: number;
  /** CPU of one point of one node, in microseconds. */
  readonly pointUs: number;
  /** CPU of a scrape that adds no point, in microseconds. */
  readonly idleUs: number;
  /** CPU of reading the points of one pod as numbers, in microseconds. */
  readonly readUs: number;
  /** Size of the file with all points. */
  readonly fileBytes: number;
  /** CPU of writing that file, and of taking it over in a process that starts, in microseconds. */
  readonly saveUs: number;
  readonly restoreUs: number;
}

const minutes = 60;
const idleScrapes = 20;

const nodes = Number(process.argv[2]);
const collect = createCollect();
const { storage, pods } = fillStore(nodes);
let nowMs = 0;
const startMs = Date.UTC(2026, 0, 1);
const clock = { wallMs: () => startMs + nowMs, monotonicMs: () => nowMs, sleep: async () => {} };
collect();
const before = process.memoryUsage();
const history = createHistory({ clock, durationMs: minutes * 60_000, exists: () => true });
/** The storage is read once; its times and counters move on for the history. */
const scrape = (minute: number) => {
  for (let node = 0; node < nodes; node += 1) {
    const name = `node-${node}`;
    history.scraped(name, 'cadvisor', () => {
      const current = storage.currentSamples(name)!;
      return {
        ...current,
        readMachine: (into) => current.readMachine(into) && moved(into, minute),
        readContainer: (pod, container, into) => current.readContainer(pod, container, into) && moved(into, minute),
      };
    });
  }
};
function moved(into: { timestampMs: number; cpuSeconds: number }, minute: number): boolean {
  into.timestampMs += minute * 60_000;
  into.cpuSeconds += minute * (6 + (minute % 7));
  return true;
}
// The first points make the lines and compile the code.
for (let minute = 0; minute < minutes / 2; minute += 1, nowMs += 60_000) scrape(minute);
const pointUs =
  cpuUs(() => {
    for (let minute = minutes / 2; minute < minutes; minute += 1, nowMs += 60_000) scrape(minute);
  }) /
  (minutes / 2) /
  nodes;
nowMs -= 60_000;
const idleUs =
  cpuUs(() => {
    for (let again = 0; again < idleScrapes; again += 1) scrape(minutes);
  }) /
  idleScrapes /
  nodes;
// The memory of dropped arrays is given back behind a collection.
for (let again = 0; again < 2; again += 1) {
  collect();
  await new Promise((resolve) => setImmediate(resolve));
}
const after = process.memoryUsage();
const range = { sinceSeconds: 3_600, stepSeconds: undefined };
const read = pods.list().slice(0, 2_000);
let points = 0;
const readUs =
  cpuUs(() => {
    for (const pod of read) points += history.pod(pod, range).length;
  }) / read.length;
if (points < read.length * (minutes / 2 - 1))
  throw new Error(`the history has ${points} points of ${read.length} pods`);
const kept = await keep();
const report: HistoryReport = {
  rssBytes: after.rss - before.rss,
  heapBytes: after.heapUsed - before.heapUsed,
  arrayBytes: after.arrayBuffers - before.arrayBuffers,
  pointUs,
  idleUs,
  readUs,
  ...kept,
};
if (process.send === undefined) console.log(report);
process.send?.(report);
process.once('disconnect', () => process.exit(0));

/** Writes the history to a file, and reads it into another one. */
async function keep(): Promise<Pick<HistoryReport, 'fileBytes' | 'saveUs' | 'restoreUs'>> {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'history');
  const keeperOf = ({ saved, restore, forget }: History) =>
    createSnapshotKeeper({
      path: file,
      storage: undefined,
      addition: { saved, restore, forget },
      nodes: { synced: () => true, get: () => undefined },
      intervalMs: 1,
      longestPauseMs: 1,
      limitBytes: historyLimitBytes,
      oldestMs: minutes * 60_000,
      clock,
      log: silentLogger,
    });
  // A keeper that is stopped writes once.
  const saveUs = await cpuUsOf(() => keeperOf(history).run(AbortSignal.abort()));
  const next = createHistory({ clock, durationMs: minutes * 60_000, exists: () => true });
  const restoreUs = await cpuUsOf(() => keeperOf(next).load());
  if ([...next.nodeNames()].length !== nodes) throw new Error('the saved history is not whole');
  return { fileBytes: statSync(file).size, saveUs, restoreUs };
}

async function cpuUsOf(run: () => Promise<void>): Promise<number> {
  const start = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(start);
  return user + system;
}

function cpuUs(run: () => void): number {
  const start = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(start);
  return user + system;
}
