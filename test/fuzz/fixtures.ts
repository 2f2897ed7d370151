/** Real inputs to begin with. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { inputLimit } from './target.ts';

const testdata = path.resolve(import.meta.dirname, '../testdata');
const folders = [
  `${testdata}/cadvisor`,
  `${testdata}/captures`,
  ...(process.env['CADVISOR_CAPTURES'] ?? '').split(':'),
];

/** Answers of kubelets in text; long ones are cut at a line. */
export const textBodies: readonly Buffer[] = folders
  .filter((folder) => folder !== '')
  .flatMap((folder) => globSync('*.prom{,.gz}', { cwd: folder }).map((name) => path.join(folder, name)))
  .sort()
  .map((file) => cutAtLine(file.endsWith('.gz') ? gunzipSync(readFileSync(file)) : readFileSync(file)));

function cutAtLine(text: Buffer): Buffer {
  if (text.length <= inputLimit / 2) return text;
  return text.subarray(0, text.lastIndexOf('\n', inputLimit / 2) + 1);
}
