/** Real inputs to begin with. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { inputLimit } from './target.ts';

const folder = path.resolve(import.meta.dirname, '../testdata/cadvisor');

/** Answers of kubelets in text; long ones are cut at a line. */
export const textBodies: readonly Buffer[] = [folder, ...(process.env['CADVISOR_CAPTURES'] ?? '').split(':')]
  .filter((each) => each !== '')
  .flatMap((each) => globSync('*.prom', { cwd: each }).map((name) => path.join(each, name)))
  .sort()
  .map((file) => cutAtLine(readFileSync(file)));

function cutAtLine(text: Buffer): Buffer {
  if (text.length <= inputLimit / 2) return text;
  return text.subarray(0, text.lastIndexOf('\n', inputLimit / 2) + 1);
}
