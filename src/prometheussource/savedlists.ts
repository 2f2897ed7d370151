/** Lists of series as lines of a snapshot. */
import type { SeriesShape } from '../rules/seriesmetrics.ts';
import { isPossibleTime } from '../storage/snapshotchecks.ts';
import { createShapeFold, type Shapes } from './seriesshapes.ts';
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

/** Yields the lines of a list. @param key names it. */
export function* linesOfList(key: string, { shapes, lastSuccessMs }: Omit<SavedList, 'text'>): Generator {
  for (let from = 0; from < shapes.length; from += lineShapes) {
    const part = shapes.slice(from, from + lineShapes);
    yield [lineKind, key, lastSuccessMs, part.map(({ name, labels }) => [name, ...labels])];
  }
}

/** Returns the lists by key. Lines of another kind are left out. @throws SavedValuesError, or AnswerLimitError beyond the limits of an answer. */
export function readLists(lines: readonly (readonly unknown[])[]): ReadonlyMap<string, SavedList> {
  const lists = new Map<
    string,
    { readonly fold: ReturnType<typeof createShapeFold>; readonly lastSuccessMs: number }
  >();
  for (const [kind, key, lastSuccessMs, shapes, ...more] of lines) {
    if (kind !== lineKind) continue;
    check(typeof key === 'string' && more.length === 0, 'list of series');
    check(typeof lastSuccessMs === 'number' && isPossibleTime(lastSuccessMs), 'time of a list');
    const list = lists.get(key) ?? { fold: createShapeFold(), lastSuccessMs };
    lists.set(key, list);
    for (const shape of listOf(shapes, 'series')) list.fold.add(labelsOf(listOf(shape, 'series')));
  }
  return new Map(Array.from(lists, ([key, { fold, lastSuccessMs }]) => [key, { ...fold.result(), lastSuccessMs }]));
}

function labelsOf(shape: readonly unknown[]): Readonly<Record<string, string>> {
  check(shape.length > 0 && shape.every((name) => typeof name === 'string'), 'names of series');
  const [name, ...labels] = shape as readonly [SeriesShape['name'], ...string[]];
  return Object.fromEntries([...labels.map((label) => [label, '']), ...(name === '' ? [] : [['__name__', name]])]);
}
