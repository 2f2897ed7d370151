/** The figures of the last whole run, which docs/faults.md shows. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Measured } from './table.ts';

export const measuredFile = path.join(import.meta.dirname, 'measured.json');

export function readMeasured(): Measured {
  return JSON.parse(readFileSync(measuredFile, 'utf8')) as Measured;
}
