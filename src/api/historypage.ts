/** Selects the objects whose history a list has, up to a number of points. */
import { encodeContinue } from '../apimachinery/continuetoken.ts';
import type { ListMeta } from '../apimachinery/meta.ts';
import { badRequest, type StatusError } from '../apimachinery/status.ts';
import { pageSearchLimit } from './page.ts';

/**
 * Points of one answer: 17 MB of JSON, an hour of 830 pods at one point a minute. A page of a greater limit ends there;
 * without a limit, more are 400.
 */
export const historyPointLimit = 50_000;

/** A list of the points that objects had. */
export interface HistorySelection<O> {
  readonly objects: readonly O[];
  /** Of a page; undefined for a whole list. */
  readonly metadata: ListMeta | undefined;
}

interface Placed {
  readonly name: string;
  readonly namespace?: string;
}

/**
 * Returns the objects that have points. A page ends between objects, and has one at least.
 * @param objects from where the page begins, sorted.
 * @param limit points at most; undefined for all.
 * @throws StatusError BadRequest for more than can be answered at once.
 */
export function selectHistory<O extends Placed>(
  objects: Iterable<O>,
  limit: number | undefined,
  isSelected: (object: O) => boolean,
  countPoints: (object: O) => number,
): HistorySelection<O> {
  const most = Math.min(limit ?? Infinity, historyPointLimit);
  const selected: O[] = [];
  let points = 0;
  let searched = 0;
  let last: O | undefined;
  for (const object of objects) {
    if (limit !== undefined && last !== undefined && searched >= pageSearchLimit) return pageUpTo(selected, last);
    const count = isSelected(object) ? countPoints(object) : 0;
    if (count > 0 && selected.length > 0 && points + count > most) {
      if (limit === undefined || last === undefined) throw tooManyPoints();
      return pageUpTo(selected, last);
    }
    if (count > 0) selected.push(object);
    points += count;
    searched += 1;
    last = object;
  }
  return { objects: selected, metadata: limit === undefined ? undefined : {} };
}

function pageUpTo<O extends Placed>(objects: readonly O[], { namespace = '', name }: Placed): HistorySelection<O> {
  return { objects, metadata: { continue: encodeContinue({ namespace, name }) } };
}

function tooManyPoints(): StatusError {
  return badRequest(
    `sinceSeconds: more than ${historyPointLimit} points: ask for fewer objects, for a shorter time, for a larger stepSeconds, or for pages by limit`,
  );
}
