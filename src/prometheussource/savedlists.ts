/** Lists of series as lines of a snapshot. */
import type { SeriesShape } from '../rules/seriesmetrics.ts';
import { isPossibleTime } from '../storage/snapshotchecks.ts';
import { createShapeFold, labelsOf, type Shapes } from './seriesshapes.ts';
import { check, listOf } from './valuecodecs.ts';

/** A list that succeeded. */
export interface SavedList extends Shapes {
  /** Since the epoch. */
  readonly lastSuccessMs: number;
}

/** Shapes in one line: it is written in one step. */
const lineShapes = 500;

/** Stands in front of lines of lists. */
const lineKind = 'series';

/** Yields the lines of a list, each with the number of all its shapes. @param key names it. */
export function* linesOfList(key: string, { shapes, lastSuccessMs }: Omit<SavedList, 'text'>): Generator {
  let from = 0;
  do {
    const part = shapes.slice(from, from + lineShapes);
    yield [lineKind, key, lastSuccessMs, shapes.length, part.map(({ name, labels }) => [name, ...labels])];
    from += lineShapes;
  } while (from < shapes.length);
}

/** Returns the whole lists by key: of one that had no room, metrics would be missing without a cause. Lines of another kind are left out. @throws SavedValuesError, or AnswerLimitError beyond the limits of an answer. */
export function readLists(lines: readonly (readonly unknown[])[]): ReadonlyMap<string, SavedList> {
  const lists = new Map<
    string,
    { readonly fold: ReturnType<typeof createShapeFold>; readonly lastSuccessMs: number; missing: number }
  >();
  for (const [kind, key, lastSuccessMs, count, shapes, ...more] of lines) {
    if (kind !== lineKind) continue;
    check(typeof key === 'string' && more.length === 0, 'list of series');
    check(typeof lastSuccessMs === 'number' && isPossibleTime(lastSuccessMs), 'time of a list');
    check(typeof count === 'number', 'number of series');
    const list = lists.get(key) ?? { fold: createShapeFold(), lastSuccessMs, missing: count };
    lists.set(key, list);
    for (const shape of listOf(shapes, 'series')) {
      list.fold.add(labelsOf(readShape(listOf(shape, 'series'))));
      list.missing -= 1;
    }
  }
  const whole = [...lists].filter(([, { missing }]) => missing === 0);
  return new Map(whole.map(([key, { fold, lastSuccessMs }]) => [key, { ...fold.result(), lastSuccessMs }]));
}

function readShape(shape: readonly unknown[]): SeriesShape {
  check(shape.length > 0 && shape.every((name) => typeof name === 'string'), 'names of series');
  const [name, ...labels] = shape as readonly [SeriesShape['name'], ...string[]];
  return { name, labels };
}
