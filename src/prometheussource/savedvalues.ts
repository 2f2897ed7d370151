/** The stores of last values as lines of a snapshot. */
import type { AgedValue } from './lastvalues.ts';
import { keptLanes, type LastValuesByLane } from './lastvaluesbylane.ts';
import { check, isPossibleAge, listOf, type ValueCodec } from './valuecodecs.ts';

export type SavedStoreName = 'custom' | 'external' | 'nodes' | 'pods';

/** Values in one line: it is written in one step. */
const lineValues = 1_000;
/** Weight of one answer that is written whole, in one line of a megabyte or so: 6,000 samples with four labels. Larger answers are left out. */
export const wholeAnswerLimit = 20_000;

/** Stands in front of lines of values. */
const lineKind = 'values';

interface Store {
  lines(lane: (typeof keptLanes)[number]): Generator;
  /** Returns what adds the values of a line. */
  read(lane: (typeof keptLanes)[number], question: string, saved: readonly unknown[]): (thenMs: number) => void;
}

export class SavedValues {
  readonly #stores = new Map<SavedStoreName, Store>();

  /** Makes the values of a store part of snapshots. */
  add<T>(name: SavedStoreName, codec: ValueCodec<T>, values: LastValuesByLane<T>): void {
    this.#stores.set(name, {
      *lines(lane) {
        for (const [question, all] of values.inLane(lane).questions()) {
          for (const part of partsOf(all, codec, values.weigh)) {
            const saved = part.map((each) => [each.name, Math.ceil(each.ageMs), ...codec.save(each.value)]);
            yield [lineKind, name, lane, question, saved];
          }
        }
      },
      read(lane, question, saved) {
        const read = saved.map((each): AgedValue<T> => {
          const [of, ageMs, ...rest] = listOf(each, 'value');
          check(typeof of === 'string' && isPossibleAge(ageMs), 'name or age');
          return { name: of, ageMs, value: codec.load(rest) };
        });
        return (thenMs) => values.inLane(lane).restore(question, read, thenMs);
      },
    });
  }

  /** Yields a line per question and part of its objects. Those that hurt most when they are lost come first. */
  *lines(): Generator {
    for (const lane of keptLanes) for (const store of this.#stores.values()) yield* store.lines(lane);
  }

  /** Returns what restores a line; undefined for a line of another kind. @throws SavedValuesError for a line that cannot be. */
  read([kind, name, lane, question, saved, ...more]: readonly unknown[]): ((thenMs: number) => void) | undefined {
    if (kind !== lineKind) return undefined;
    const store = this.#stores.get(name as SavedStoreName);
    const known = keptLanes.find((each) => each === lane);
    check(store !== undefined && known !== undefined && typeof question === 'string' && more.length === 0, 'question');
    return store.read(known, question, listOf(saved, 'values'));
  }
}

/** Yields the last part first, as the restored one comes last. */
function* partsOf<T>(
  all: readonly AgedValue<T>[],
  { isWhole }: ValueCodec<T>,
  weigh: (value: T) => number,
): Generator<readonly AgedValue<T>[]> {
  if (isWhole) {
    if (all.reduce((sum, { value }) => sum + weigh(value), 0) <= wholeAnswerLimit) yield all;
    return;
  }
  const parts = Math.ceil(all.length / lineValues);
  for (let part = parts - 1; part >= 0; part -= 1) yield all.slice(part * lineValues, (part + 1) * lineValues);
}
