/** Parses the parameters of the history: `sinceSeconds`, named as that of pod logs, and `stepSeconds`. */
import { badRequest } from '../apimachinery/status.ts';
import type { HistoryRange } from '../history/history.ts';
import { parseInteger } from './listoptions.ts';

const since = 'sinceSeconds';
const step = 'stepSeconds';

/**
 * Returns undefined for a list of present usages.
 * @throws StatusError BadRequest for anything but whole seconds above 0.
 */
export function parseHistoryRange(query: ReadonlyMap<string, string>): HistoryRange | undefined {
  const sinceSeconds = parseSeconds(query, since);
  return sinceSeconds === undefined ? undefined : { sinceSeconds, stepSeconds: parseSeconds(query, step) };
}

/** @throws StatusError BadRequest where a single object is read with its history: an object has one usage. */
export function refuseHistoryOfOne(query: ReadonlyMap<string, string>): void {
  if (!query.has(since)) return;
  throw badRequest(`${since}: only lists have a history: list with fieldSelector=metadata.name=<name>`);
}

function parseSeconds(query: ReadonlyMap<string, string>, parameter: string): number | undefined {
  const seconds = parseInteger(query, parameter);
  if (seconds !== undefined && seconds <= 0n) throw badRequest(`${parameter}: ${seconds}: must be greater than 0`);
  return seconds === undefined ? undefined : Number(seconds);
}
