/**
 * Saves and restores the lists of series, without which no metric is known, and the last values of rules: a restarted
 * server needs both while its engines are away.
 */
import { JsonText } from '../storage/snapshot.ts';
import type { SavedValues } from './savedvalues.ts';
import type { SeriesLists } from './serieslists.ts';
import { check, listOf, SavedValuesError } from './valuecodecs.ts';

export interface RulesSnapshot {
  /** What hurts most when it is lost comes first; the rest is left out. @param limitBytes of all. */
  saved(limitBytes: number): Iterable<JsonText>;
  /**
   * Restores nothing unless all of it can be.
   * @param thenMs when the lines were saved, monotonic.
   * @throws SavedValuesError, or AnswerLimitError for a list of series beyond the limits of an answer.
   */
  restore(lines: readonly unknown[], thenMs: number): void;
}

export interface RulesSnapshotOptions {
  readonly lists: Pick<SeriesLists, 'saved' | 'read'>;
  readonly values: SavedValues;
  /**
   * Returns a digest of what chooses the engines and their tenants. Values of others must not be served.
   * @param salt keeps passwords in it from being guessed by tables.
   */
  readonly enginesDigest: (salt: string) => string;
  /** A new one for a file that is written without one that was read. */
  readonly newSalt: () => string;
  /** Called after lists were restored. */
  readonly onLists: () => void;
}

/** Share of a file that lists of series may take: they are of no use without values. */
const listsShare = 0.5;
/** Bytes of the file's first and last line, rounded up. */
const fileOverhead = 4_096;
/** Bytes around each line. */
const lineOverhead = 16;

export function createRulesSnapshot(options: RulesSnapshotOptions): RulesSnapshot {
  const { lists, values, enginesDigest, newSalt, onLists } = options;
  let engines: readonly string[] | undefined;
  const digestOf = (salt: string) => ['engines', salt, enginesDigest(salt)];
  return {
    *saved(limitBytes) {
      engines ??= digestOf(newSalt());
      yield new JsonText(engines);
      const room = limitBytes - fileOverhead;
      const taken = yield* within(lists.saved(), room * listsShare);
      yield* within(values.lines(), room - taken);
    },
    restore([first, ...lines], thenMs) {
      const [kind, salt, digest] = listOf(first, 'engines');
      check(kind === 'engines' && typeof salt === 'string' && salt.length <= saltLengthLimit, 'engines');
      const known = digestOf(salt);
      if (known[2] !== digest) {
        throw new SavedValuesError('it is of other engines, or of other headers or files of credentials for them');
      }
      const parts = lines.map((line) => listOf(line, 'line'));
      const restoreLists = lists.read(parts);
      const restoreValues = parts.flatMap((line) => values.read(line) ?? []);
      engines = known;
      restoreLists();
      onLists();
      // The first lines are the most recent ones, which are the last to be dropped.
      for (const restore of restoreValues.toReversed()) restore(thenMs);
    },
  };
}

const saltLengthLimit = 100;

/** Yields lines until they would have more bytes. Returns the bytes. */
function* within(lines: Iterable<unknown>, limitBytes: number): Generator<JsonText, number> {
  let taken = 0;
  for (const line of lines) {
    const json = new JsonText(line);
    const bytes = Buffer.byteLength(json.text) + lineOverhead;
    if (taken + bytes > limitBytes) break;
    taken += bytes;
    yield json;
  }
  return taken;
}
