/** Selects the objects whose history a list has, up to a number of points. */
import { encodeContinue } from '../apimachinery/continuetoken.ts';
import type { ListMeta } from '../apimachinery/meta.ts';
import { badRequest, type StatusError } from '../apimachinery/status.ts';
import { pageSearchLimit, type Selector } from './page.ts';

/**
 * Points of one answer: 17 MB of JSON, an hour of 830 pods at one point a minute. A page of a greater limit ends there;
 * without a limit, more are 400.
 */
export const historyPointLimit = 50_000;

/** What counting an object's points adds to the cost of looking at it, which is 1. */
const countCost = 5;

/**
 * As pageSearchLimit, for a list without a limit: 30 ms or so. Enough to select some of 150,000 objects, or to count the
 * points of 33,000; beyond it the list is 400.
 */
const listSearchLimit = 200_000;

/** A list of the points that objects had. */
export interface HistorySelection<O> {
  readonly objects: readonly O[];
  /** A page's; undefined for a whole list. */
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
  selector: Selector<O>,
  countPoints: (object: O) => number,
): HistorySelection<O> {
  const most = Math.min(limit ?? Infinity, historyPointLimit);
  const selected: O[] = [];
  let points = 0;
  let searched = 0;
  let last: O | undefined;
  for (const object of objects) {
    if (last !== undefined && searched >= (limit === undefined ? listSearchLimit : pageSearchLimit)) {
      if (limit === undefined) throw tooMuch('too many objects to look at');
      return pageUpTo(selected, last);
    }
    const isSelected = selector.isSelected(object);
    const count = isSelected ? countPoints(object) : 0;
    if (count > 0 && selected.length > 0 && points + count > most) {
      if (limit === undefined || last === undefined) throw tooMuch(`more than ${historyPointLimit} points`);
      return pageUpTo(selected, last);
    }
    if (count > 0) selected.push(object);
    points += count;
    searched += 1 + selector.cost + (isSelected ? countCost : 0);
    last = object;
  }
  return { objects: selected, metadata: limit === undefined ? undefined : {} };
}

function pageUpTo<O extends Placed>(objects: readonly O[], { namespace = '', name }: Placed): HistorySelection<O> {
  return { objects, metadata: { continue: encodeContinue({ namespace, name }) } };
}

function tooMuch(what: string): StatusError {
  return badRequest(
    `sinceSeconds: ${what}: ask for fewer objects, for a shorter time, for a larger stepSeconds, or for pages by limit`,
  );
}
