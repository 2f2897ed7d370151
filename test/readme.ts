/** Writes the generated parts of documents: `npm run readme`. A unit test fails if it was not run. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readMeasured as readBench } from './bench/measured.ts';
import { adapterGoalTable, goalTable } from './bench/table.ts';
import { differenceTable } from './conformance/differencetable.ts';
import { customDifferenceTable } from './custom/differences.ts';
import { comparisonTable } from './docs/comparison.ts';
import { costChart, costTable, customTable, lookingTable, sizeTable } from './docs/costs.ts';
import { root } from './docs/documents.ts';
import { flagTables, ignoredTable } from './docs/flagtables.ts';
import { answerTable } from './docs/answers.ts';
import { kubeletMetricTable } from './docs/kubeletmetrics.ts';
import { bundleMessages, healthMessages, refusalMessages, startMessages, warningMessages } from './docs/messages.ts';
import { codeSections, messageSections, missingTable } from './docs/troubleshooting.ts';
import { readMeasured } from './faults/measured.ts';
import { measuredTable } from './faults/table.ts';

/** Each block is written between its marks. */
const blocks: readonly (readonly [file: string, block: string, text: () => string])[] = [
  ['README.md', 'comparison', comparisonTable],
  ['docs/configuration.md', 'flags', flagTables],
  ['docs/configuration.md', 'ignored-flags', ignoredTable],
  ['docs/kubelet-metrics.md', 'kubelet-metrics', kubeletMetricTable],
  ['docs/troubleshooting.md', 'missing', missingTable],
  ['docs/troubleshooting.md', 'answers', answerTable],
  ['docs/troubleshooting.md', 'codes', codeSections],
  ['docs/troubleshooting.md', 'start', () => messageSections(startMessages)],
  ['docs/troubleshooting.md', 'health', () => messageSections(healthMessages)],
  ['docs/troubleshooting.md', 'bundle', () => messageSections(bundleMessages)],
  ['docs/troubleshooting.md', 'refusals', () => messageSections(refusalMessages)],
  ['docs/troubleshooting.md', 'warnings', () => messageSections(warningMessages)],
  ['docs/differences.md', 'differences', differenceTable],
  ['docs/custom-metrics.md', 'adapter-differences', customDifferenceTable],
  ['docs/cost.md', 'costs', costTable],
  ['docs/cost.md', 'custom', customTable],
  ['docs/cost.md', 'adapter', () => adapterGoalTable(readBench())],
  ['docs/cost.md', 'looking', lookingTable],
  ['docs/sizing.md', 'sizes', sizeTable],
  ['docs/cost.md', 'bench', () => goalTable(readBench())],
  ['docs/faults.md', 'faults', () => measuredTable(readMeasured())],
];

/** Files that are generated whole. */
const files: readonly (readonly [file: string, text: () => string])[] = [['docs/cost.svg', costChart]];

export interface GeneratedFile {
  readonly file: string;
  /** Undefined if it does not exist. */
  readonly is: string | undefined;
  readonly shouldBe: string;
}

/** Returns each file with generated parts as it is, and as it should be. */
export function renderDocuments(): GeneratedFile[] {
  const withBlocks = [...Map.groupBy(blocks, ([file]) => file)].map(([file, parts]) => {
    const is = readFileSync(path.join(root, file), 'utf8');
    const shouldBe = parts.reduce((text, [, block, render]) => withBlock(file, text, block, render()), is);
    return { file, is, shouldBe };
  });
  const whole = files.map(([file, text]) => {
    const absolute = path.join(root, file);
    return { file, is: existsSync(absolute) ? readFileSync(absolute, 'utf8') : undefined, shouldBe: text() };
  });
  return [...withBlocks, ...whole];
}

function withBlock(file: string, whole: string, name: string, text: string): string {
  const begin = `<!-- ${name}: written by \`npm run readme\` -->`;
  const end = `<!-- /${name} -->`;
  const [before, rest] = whole.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${file} has lost its marks ${begin} and ${end}`);
  return `${before}${begin}\n\n${text}\n\n${end}${after}`;
}

if (import.meta.main) {
  for (const { file, shouldBe } of renderDocuments()) writeFileSync(path.join(root, file), shouldBe);
}
