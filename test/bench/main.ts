/** The benchmarks: what we cost, beside metrics-server and beside what the machine needs at least. They report, and never fail for a figure. */
import { existsSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { UnmetNeed } from '../cluster/needs.ts';
import { benchAdapter } from './adapter.ts';
import { benchBase } from './base.ts';
import { benchCustomMetrics } from './custommetrics.ts';
import { benchDecode } from './decode.ts';
import { benchFirstScreen } from './firstscreen.ts';
import { benchGet } from './get.ts';
import { benchHistory } from './history.ts';
import { benchInformer } from './informer.ts';
import { benchLarge, largeClusters } from './large.ts';
import { benchLists } from './lists.ts';
import type { Figure, Figures } from './measure.ts';
import { type Measured, measuredFile, readMeasured } from './measured.ts';
import { benchMemory } from './memory.ts';
import { podCounts } from './nodemodel.ts';
import { benchPaced, benchPacedCustom } from './paced.ts';
import { benchScrape } from './scrape.ts';
import { benchStart } from './start.ts';
import { adapterGoalTable, figureTable, goalTable } from './table.ts';
import { benchTop } from './top.ts';
import { benchUi } from './ui.ts';
import { benchWhole, usualLoad } from './whole.ts';

type Part = (figures: Figures, words: Words) => Promise<void>;

/** In this order: what is measured by its own CPU time first, whole clusters last. */
const parts: ReadonlyMap<string, Part> = new Map<string, Part>([
  ['memory', benchMemory],
  ['decode', benchDecode],
  ['custom', benchCustomMetrics],
  ['lists', benchLists],
  ['history', benchHistory],
  ['first-screen', (figures) => benchFirstScreen(figures)],
  ['top', benchTop],
  ['ui', benchUi],
  ['informer', (figures) => benchInformer(figures)],
  ['scrape', (figures) => benchScrape(figures)],
  ['get', benchGet],
  ['adapter', benchAdapter],
  ['start', benchStart],
  ...podCounts.map((pods): [string, Part] => [`paced-${pods}`, (figures) => benchPaced(figures, pods)]),
  ['paced-custom', (figures) => benchPacedCustom(figures)],
  ['whole', (figures, { minutes }) => benchWhole(figures, { ...usualLoad, minutes })],
  ...largeClusters.map((cluster): [string, Part] => [
    `large-${cluster.nodes}`,
    (figures) => benchLarge(figures, cluster),
  ]),
]);

/** Benchmarks that are compared with another version by default: they take no fleet and little time. */
const partsOfBase = ['decode', 'lists'];

const optionsText = '[--json] [--record] [--minutes=10] [--base=<commit>]';

process.exitCode = await main(process.argv.slice(2));

/** 0 done, 1 broken, 2 used wrongly or the machine is not as needed. */
async function main(args: readonly string[]): Promise<number> {
  const words = readWords(args);
  if (words === undefined) {
    console.error(`usage: npm run bench -- [${[...parts.keys()].join(' | ')}]... ${optionsText}`);
    return 2;
  }
  // What was started ends when we exit, and on a signal there is no exit.
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  return words.base === undefined ? measure(words) : compare(words, words.base);
}

async function measure(words: Words): Promise<number> {
  const figures: Figures = new Map();
  let code = 0;
  for (const [name, run] of parts) {
    if (words.parts.length > 0 && !words.parts.includes(name)) continue;
    const own: Figures = new Map();
    try {
      await run(own, words);
      // As soon as they are there: a whole run takes minutes.
      console.error(`== ${name}\n${figureTable(own)}`);
      for (const [figure, value] of own) figures.set(figure, value);
    } catch (error) {
      // The other parts are worth as much without it.
      console.error(`== ${name} failed`);
      code = Math.max(code, complain(error));
    }
  }
  const measured = measuredOf(figures);
  console.log(words.json ? toJson(measured) : `\n${goalTable(measured)}\n\n${adapterGoalTable(measured)}`);
  if (words.record) record(measured, words.parts);
  return code;
}

async function compare({ parts: named, json }: Words, base: string): Promise<number> {
  const figures: Figures = new Map();
  try {
    await benchBase(figures, base, named.length > 0 ? named : partsOfBase);
  } catch (error) {
    return complain(error);
  }
  console.log(json ? toJson(measuredOf(figures)) : figureTable(figures));
  return 0;
}

/** Returns the exit code. */
function complain(error: unknown): number {
  const isNeed = error instanceof UnmetNeed;
  console.error(isNeed ? error.message : error);
  return isNeed ? 2 : 1;
}

interface Words {
  /** None: all. */
  readonly parts: readonly string[];
  /** Prints the figures for machines. */
  readonly json: boolean;
  /** Writes down what was measured, for docs/cost.md. */
  readonly record: boolean;
  /** How long the load of `whole` lasts. */
  readonly minutes: number;
  /** Compares with this version instead, as git names it. */
  readonly base: string | undefined;
}

/** Undefined where they make no sense. */
function readWords(args: readonly string[]): Words | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        record: { type: 'boolean', default: false },
        minutes: { type: 'string', default: String(usualLoad.minutes) },
        base: { type: 'string' },
      },
    });
    const minutes = Number(values.minutes);
    if (!(minutes > 0) || positionals.some((part) => !parts.has(part))) return undefined;
    return { parts: positionals, json: values.json, record: values.record, minutes, base: values.base };
  } catch {
    return undefined;
  }
}

/**
 * Figures of parts that were not run stay: what is compared with each other is always of one part, and so of one run.
 * @param parts that were run; none for all.
 */
function record(measured: Measured, parts: readonly string[]): void {
  const before = existsSync(measuredFile) ? readMeasured() : measured;
  const figures = { ...before.figures, ...measured.figures };
  if (parts.length === 0) return write({ ...measured, figures });
  const { figures: _, ...run } = measured;
  const runs = Object.fromEntries(parts.map((part) => [part, run]));
  write({ ...before, parts: { ...before.parts, ...runs }, figures });
}

function write(measured: Measured): void {
  writeFileSync(measuredFile, `${toJson(measured)}\n`);
}

function measuredOf(figures: ReadonlyMap<string, Figure>): Measured {
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} cores of ${cpus()[0]?.model ?? 'an unknown processor'}, Node ${process.versions.node}`,
    load: loadavg()[1] ?? Number.NaN,
    figures: Object.fromEntries(figures),
  };
}

/** Four digits are more than any of them is worth. */
function toJson(measured: Measured): string {
  const rounded = (_: string, value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
  return JSON.stringify(measured, rounded, 2);
}
