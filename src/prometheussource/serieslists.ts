/** The series lists of all rules: one per engine and distinct seriesQuery, each in a loop of its own. */
import { whenAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import type { AnswerNotes } from '../promql/answer.ts';
import type { PromqlClient } from '../promql/client.ts';
import { readingTurns } from '../promql/readingturns.ts';
import type { MetricRule } from '../rules/rule.ts';
import { matchShape, type SeriesShape } from '../rules/seriesmetrics.ts';
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
}

interface RunningList {
  readonly list: SeriesList;
  readonly end: AbortController;
  running: Promise<void> | undefined;
}

export class SeriesLists {
  readonly #options: SeriesListsOptions;
  readonly #lists = new Map<string, RunningList>();
  #rules: readonly MetricRule[] = [];
  #isRunning = false;

  constructor(options: SeriesListsOptions) {
    this.#options = options;
  }

  /** Starts lists of new selectors, and ends those that no rule has any more. The others go on with what they have. */
  setRules(rules: readonly MetricRule[]): void {
    this.#rules = rules;
    const wanted = new Map(rules.map((rule) => [this.#keyOf(rule), rule]));
    for (const [key, { end }] of this.#lists) {
      if (wanted.has(key)) continue;
      end.abort(new Error('no rule has this seriesQuery any more'));
      this.#lists.delete(key);
    }
    for (const [key, rule] of wanted) if (!this.#lists.has(key)) this.#lists.set(key, this.#create(rule));
    if (this.#isRunning) this.#start();
  }

  /** @throws Error for a rule that was not given to `setRules`. */
  of(rule: MetricRule): SeriesList {
    const found = this.#lists.get(this.#keyOf(rule));
    if (found === undefined) throw new Error(`${rule.path} has no list of series`);
    return found.list;
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

  #start(): void {
    for (const each of this.#lists.values()) each.running ??= each.list.run(each.end.signal);
  }

  async #prepare(key: string, shapes: readonly SeriesShape[]): Promise<void> {
    for (const rule of this.#rules) {
      if (this.#keyOf(rule) !== key) continue;
      for (let from = 0; from < shapes.length; from += stepShapes) {
        await readingTurns.run(() => {
          for (const shape of shapes.slice(from, from + stepShapes)) matchShape(rule, shape);
        });
      }
    }
  }

  #create(rule: MetricRule): RunningList {
    const { clientOf, intervalMs, maxAgeMs, clock, log, onNotes } = this.#options;
    const client = clientOf(rule);
    const key = this.#keyOf(rule);
    const list = new SeriesList({
      client,
      seriesQuery: rule.seriesQuery,
      intervalMs,
      maxAgeMs,
      clock,
      log,
      onNotes: (notes) => onNotes(client.engine.name, `series of ${rule.seriesQuery}`, notes),
      prepare: (shapes) => this.#prepare(key, shapes),
    });
    return { list, end: new AbortController(), running: undefined };
  }

  #keyOf(rule: MetricRule): string {
    const { clientOf, asAdapter } = this.#options;
    return [asAdapter ? rule.kind : '', clientOf(rule).engine.name, rule.seriesQuery].join('\n');
  }
}
