/** The figures of the last whole run, which docs/cost.md shows. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Figure } from './measure.ts';

/** When and where figures were measured. */
export interface Run {
  /** The day, as YYYY-MM-DD. */
  readonly date: string;
  readonly machine: string;
  /** Processes that ran or waited for a core, the benchmark's among them: the mean over its last five minutes. */
  readonly load?: number;
}

/** The run is that of all figures but those of `parts`. */
export interface Measured extends Run {
  /** Parts that were recorded by themselves, by their names. */
  readonly parts?: Readonly<Record<string, Run>>;
  readonly figures: Readonly<Record<string, Figure>>;
}

/** Returns when and where a part was measured last. */
export function runOf(measured: Measured, part: string): Run {
  const { figures: _, parts = {}, ...whole } = measured;
  return parts[part] ?? whole;
}

export const measuredFile = path.join(import.meta.dirname, 'measured.json');

export function readMeasured(): Measured {
  return JSON.parse(readFileSync(measuredFile, 'utf8')) as Measured;
}
