/** Writes the flag table into the README: `npm run readme`. A unit test tells when it was forgotten. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { flagTable } from '../src/options/usage.ts';

const readme = path.resolve(import.meta.dirname, '../README.md');
const begin = '<!-- flags: written by `npm run readme` -->';
const end = '<!-- /flags -->';

/** The README as it is, and as it should be. */
export function renderReadme(): { readonly is: string; readonly shouldBe: string } {
  const is = readFileSync(readme, 'utf8');
  const [before, rest] = is.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`README.md has lost its marks ${begin} and ${end}`);
  return { is, shouldBe: `${before}${begin}\n\n${flagTable()}\n\n${end}${after}` };
}

if (import.meta.main) writeFileSync(readme, renderReadme().shouldBe);
