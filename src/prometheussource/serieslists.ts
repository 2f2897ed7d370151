/** The series lists of all rules: one per engine and distinct seriesQuery, each in a loop of its own. */
import { whenAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import type { AnswerNotes } from '../promql/answer.ts';
import type { PromqlClient } from '../promql/client.ts';
import { readingTurns } from '../promql/readingturns.ts';
import type { MetricRule } from '../rules/rule.ts';
import { matchShape, type SeriesShape } from '../rules/seriesmetrics.ts';
import { linesOfList, readLists } from './savedlists.ts';
import { SeriesList } from './serieslist.ts';

/** Shapes that are matched in one step; about a millisecond. */
const stepShapes = 10;

export interface SeriesListsOptions {
  /** Returns the engine of a rule. */
  readonly clientOf: (rule: MetricRule) => PromqlClient;
  readonly intervalMs: number;
  readonly maxAgeMs: number;
  /** Lists the series of rules and externalRules separately, as prometheus-adapter does. */
  readonly asAdapter: boolean;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onNotes: (source: string, subject: string, notes: AnswerNotes) => void;
  /** Called when a list has new shapes. */
  readonly onShapes: () => Promise<void>;
}

interface RunningList {
  readonly list: SeriesList;
  readonly end: AbortController;
  running: Promise<void> | undefined;
}

export class SeriesLists {
  readonly #options: SeriesListsOptions;
  readonly #lists = new Map<string, RunningList>();
  /** For `of`, which every request of a metric calls for every rule. */
  #byRule: ReadonlyMap<MetricRule, SeriesList> = new Map();
  #isRunning = false;

  constructor(options: SeriesListsOptions) {
    this.#options = options;
  }

  /**
   * Starts lists of new selectors, and ends those that no rule has any more. The others go on with what they have. A rule of
   * which the selector alone has changed keeps its series until the first new list: an autoscaler gets no 404 meanwhile.
   */
  setRules(rules: readonly MetricRule[]): void {
    const wanted = new Set(rules.map((rule) => this.#keyOf(rule)));
    const replaced = this.#listsOfChanged(rules);
    for (const [key, { end }] of this.#lists) {
      if (wanted.has(key)) continue;
      end.abort(new Error('no rule has this seriesQuery any more'));
      this.#lists.delete(key);
    }
    this.#byRule = new Map(rules.map((rule) => [rule, this.#listFor(rule, replaced.get(restOf(rule)))]));
    if (this.#isRunning) this.#start();
  }

  /** @throws Error for a rule that was not given to `setRules`. */
  of(rule: MetricRule): SeriesList {
    const found = this.#byRule.get(rule);
    if (found === undefined) throw new Error(`${rule.path} has no list of series`);
    return found;
  }

  /** Yields the lines of the lists that succeeded. */
  *saved(): Generator {
    for (const [key, { list }] of this.#lists) {
      const { shapes, lastSuccessMs } = list;
      if (lastSuccessMs !== undefined) yield* linesOfList(key, { shapes, lastSuccessMs });
    }
  }

  /** Returns what restores the lists of those that rules have. Throws as `readLists`. */
  read(lines: readonly (readonly unknown[])[]): () => void {
    const saved = readLists(lines);
    return () => {
      for (const [key, each] of saved) this.#lists.get(key)?.list.restore(each);
    };
  }

  /** Never rejects; resolves after the signal has aborted. */
  async run(signal: AbortSignal): Promise<void> {
    this.#isRunning = true;
    this.#start();
    await whenAborted(signal);
    this.#isRunning = false;
    const all = [...this.#lists.values()];
    for (const { end } of all) end.abort(signal.reason);
    await Promise.all(all.flatMap(({ running }) => running ?? []));
  }

  /** Returns lists of rules that are no more, by what these have beside their selectors; none where several have the same. */
  #listsOfChanged(rules: readonly MetricRule[]): ReadonlyMap<string, SeriesList> {
    const kept = new Set(rules.map(({ identity }) => identity));
    const lists = new Map<string, SeriesList>();
    const isShared = new Set<string>();
    for (const [rule, list] of this.#byRule) {
      const rest = restOf(rule);
      if (kept.has(rule.identity)) continue;
      if (lists.has(rest)) isShared.add(rest);
      lists.set(rest, list);
    }
    for (const rest of isShared) lists.delete(rest);
    return lists;
  }

  #start(): void {
    for (const each of this.#lists.values()) each.running ??= each.list.run(each.end.signal);
  }

  async #prepare(list: SeriesList, shapes: readonly SeriesShape[]): Promise<void> {
    for (const [rule, each] of this.#byRule) {
      if (each !== list) continue;
      for (let from = 0; from < shapes.length; from += stepShapes) {
        await readingTurns.run(() => {
          for (const shape of shapes.slice(from, from + stepShapes)) matchShape(rule, shape);
        });
      }
    }
  }

  /** Returns the list of the rule's selector, which is new if no rule had it. @param replaced the rule's one before. */
  #listFor(rule: MetricRule, replaced: SeriesList | undefined): SeriesList {
    const key = this.#keyOf(rule);
    const { list } = this.#lists.get(key) ?? this.#add(key, rule, replaced);
    return list;
  }

  #add(key: string, rule: MetricRule, replaced: SeriesList | undefined): RunningList {
    const { clientOf, intervalMs, maxAgeMs, clock, log, onNotes, onShapes } = this.#options;
    const client = clientOf(rule);
    const list: SeriesList = new SeriesList({
      client,
      seriesQuery: rule.seriesQuery,
      intervalMs,
      maxAgeMs,
      clock,
      log,
      onNotes: (notes) => onNotes(client.engine.name, `series of ${rule.seriesQuery}`, notes),
      prepare: (shapes) => this.#prepare(list, shapes),
      onShapes,
      random: Math.random,
    });
    if (replaced !== undefined) list.shapes = replaced.shapes;
    const added: RunningList = { list, end: new AbortController(), running: undefined };
    this.#lists.set(key, added);
    return added;
  }

  #keyOf(rule: MetricRule): string {
    const { clientOf, asAdapter } = this.#options;
    return [asAdapter ? rule.kind : '', clientOf(rule).engine.name, rule.seriesQuery].join('\n');
  }
}

/** Equal for rules that differ in their selectors alone, and so have one engine. */
function restOf({ kind, identityOfRest }: MetricRule): string {
  return `${kind} ${identityOfRest}`;
}
