/** Writes the tables of flags, deliberate differences, faults and costs into the README: `npm run readme`. A unit test fails if it was not run. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { flagTable } from '../src/options/usage.ts';
import { readMeasured as readBench } from './bench/measured.ts';
import { goalTable } from './bench/table.ts';
import { differenceTable } from './conformance/differencetable.ts';
import { readMeasured } from './faults/measured.ts';
import { measuredTable } from './faults/table.ts';

const readme = path.resolve(import.meta.dirname, '../README.md');

/** Each is written between its marks. */
const blocks: ReadonlyMap<string, () => string> = new Map([
  ['flags', flagTable],
  ['differences', differenceTable],
  ['bench', () => goalTable(readBench())],
  ['faults', () => measuredTable(readMeasured())],
]);

/** The README as it is, and as it should be. */
export function renderReadme(): { readonly is: string; readonly shouldBe: string } {
  const is = readFileSync(readme, 'utf8');
  let shouldBe = is;
  for (const [name, text] of blocks) shouldBe = withBlock(shouldBe, name, text());
  return { is, shouldBe };
}

function withBlock(whole: string, name: string, text: string): string {
  const begin = `<!-- ${name}: written by \`npm run readme\` -->`;
  const end = `<!-- /${name} -->`;
  const [before, rest] = whole.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`README.md has lost its marks ${begin} and ${end}`);
  return `${before}${begin}\n\n${text}\n\n${end}${after}`;
}

if (import.meta.main) writeFileSync(readme, renderReadme().shouldBe);
