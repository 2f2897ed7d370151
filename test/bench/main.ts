/** The benchmarks: what we cost, beside metrics-server and beside what the machine needs at least. They report, and never fail for a figure. */
import { existsSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { UnmetNeed } from '../cluster/needs.ts';
import { benchDecode } from './decode.ts';
import { benchInformer } from './informer.ts';
import { benchLists } from './lists.ts';
import type { Figure, Figures } from './measure.ts';
import { type Measured, measuredFile, readMeasured } from './measured.ts';
import { benchMemory } from './memory.ts';
import { benchPaced } from './paced.ts';
import { benchScrape } from './scrape.ts';
import { figureTable, goalTable } from './table.ts';

const parts: ReadonlyMap<string, (figures: Figures) => Promise<void>> = new Map([
  ['memory', benchMemory],
  ['decode', benchDecode],
  ['lists', benchLists],
  ['informer', benchInformer],
  ['scrape', benchScrape],
  ['paced', benchPaced],
]);

process.exitCode = await main(process.argv.slice(2));

/**
 * Arguments are the parts to run; none runs all. --json prints the figures for machines, --record writes down what was measured, for the
 * README. 0 done, 1 broken, 2 the machine is not as needed.
 */
async function main(args: readonly string[]): Promise<number> {
  const named = args.filter((arg) => !arg.startsWith('--'));
  const unknown = args.filter((arg) => !parts.has(arg) && arg !== '--json' && arg !== '--record');
  if (unknown.length > 0) {
    console.error(`unknown: ${unknown.join(' ')}; there are ${[...parts.keys()].join(', ')}, --json and --record`);
    return 2;
  }
  const figures: Figures = new Map();
  // What was started ends when we exit, and on a signal there is no exit.
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  try {
    for (const [name, run] of parts) {
      if (named.length > 0 && !named.includes(name)) continue;
      const before = new Set(figures.keys());
      await run(figures);
      // As soon as they are there: a whole run takes minutes.
      const own = new Map([...figures].filter(([figure]) => !before.has(figure)));
      console.error(`== ${name}\n${figureTable(own)}`);
    }
  } catch (error) {
    console.error(error instanceof UnmetNeed ? error.message : error);
    return error instanceof UnmetNeed ? 2 : 1;
  }
  const measured = measuredOf(figures);
  console.log(args.includes('--json') ? toJson(measured) : `\n${goalTable(measured)}`);
  if (args.includes('--record')) record(measured);
  return 0;
}

/** Figures of parts that were not run stay: what is compared with each other is always of one part, and so of one run. */
function record(measured: Measured): void {
  const before = existsSync(measuredFile) ? readMeasured().figures : {};
  writeFileSync(measuredFile, `${toJson({ ...measured, figures: { ...before, ...measured.figures } })}\n`);
}

function measuredOf(figures: ReadonlyMap<string, Figure>): Measured {
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} cores of ${cpus()[0]?.model ?? 'an unknown processor'}, Node ${process.versions.node}`,
    figures: Object.fromEntries(figures),
  };
}

/** Four digits are more than any of them is worth. */
function toJson(measured: Measured): string {
  const rounded = (_: string, value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
  return JSON.stringify(measured, rounded, 2);
}
