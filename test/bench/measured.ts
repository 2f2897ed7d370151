/** The figures of the last whole run, which docs/cost.md shows. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Figure } from './measure.ts';

export interface Measured {
  /** The day, as YYYY-MM-DD. */
  readonly date: string;
  readonly machine: string;
  readonly figures: Readonly<Record<string, Figure>>;
}

export const measuredFile = path.join(import.meta.dirname, 'measured.json');

export function readMeasured(): Measured {
  return JSON.parse(readFileSync(measuredFile, 'utf8')) as Measured;
}
