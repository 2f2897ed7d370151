/** Lists the series of one seriesQuery at an interval. */
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import type { PromqlClient } from '../promql/client.ts';
import { type AnswerNotes, incompleteness } from '../promql/answer.ts';
import { isOverloaded, isTransient } from '../promql/promqlerror.ts';
import type { SeriesShape } from '../rules/seriesmetrics.ts';
import type { SavedList } from './savedlists.ts';
import { createShapeFold, joinShapes } from './seriesshapes.ts';

/** Milliseconds until the first retry; doubled up to `longestRetryMs`. */
const firstRetryMs = 1_000;
/** So that metrics are back within seconds of an engine's return. */
const longestRetryMs = 5_000;
/** For a selector that the engine refuses, and for an engine that asks for fewer requests. */
const refusedRetryMs = 60_000;

/** Milliseconds: a usual list has come by then. */
const soonMs = 10_000;

export interface SeriesListOptions {
  readonly client: PromqlClient;
  readonly seriesQuery: string;
  /** --metrics-relist-interval. */
  readonly intervalMs: number;
  /** --metrics-max-age: series with a sample since then are found. */
  readonly maxAgeMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onNotes: (notes: AnswerNotes) => void;
  /** Matches new shapes against rules, in slices of the event loop, before they replace the last ones. */
  readonly prepare: (shapes: readonly SeriesShape[]) => Promise<void>;
  /** Computes the metrics of new shapes, before the list counts as successful; also once it is no longer awaited, or expected soon. */
  readonly onShapes: () => Promise<void>;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** A failure leaves the last shapes in place; a partial list adds to them. */
export class SeriesList {
  readonly #options: SeriesListOptions;
  shapes: readonly SeriesShape[] = [];
  /** Since the epoch; undefined before the first success. */
  lastSuccessMs: number | undefined;
  lastError: Error | undefined;
  /** Why the last list may lack series. */
  warning: string | undefined;
  #text: string | undefined;
  #isSlow = false;

  constructor(options: SeriesListOptions) {
    this.#options = options;
  }

  /** Whether the first list, or its failure, is yet to come. */
  get isAwaited(): boolean {
    return this.#text === undefined && this.lastError === undefined;
  }

  /** Whether it is awaited, and has not been for long. */
  get isExpectedSoon(): boolean {
    return this.isAwaited && !this.#isSlow;
  }

  get client(): PromqlClient {
    return this.#options.client;
  }

  /** Takes over the shapes of a list that succeeded in an earlier process. */
  restore({ shapes, text, lastSuccessMs }: SavedList): void {
    this.shapes = shapes;
    this.#text = text;
    this.lastSuccessMs = lastSuccessMs;
  }

  /** Never rejects; resolves after the signal has aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, intervalMs, random } = this.#options;
    let retryMs = firstRetryMs;
    void this.#expect(signal);
    while (!signal.aborted) {
      await this.#list(signal);
      const error = this.lastError;
      // Without jitter, all lists and replicas would ask an engine that returns at once.
      const backoffMs = (isTransient(error) && !isOverloaded(error) ? retryMs : refusedRetryMs) * (0.5 + random() / 2);
      const pauseMs = error === undefined ? intervalMs : Math.min(backoffMs, intervalMs);
      retryMs = error === undefined ? firstRetryMs : Math.min(retryMs * 2, longestRetryMs);
      await clock.sleep(pauseMs, signal).catch(() => undefined);
    }
  }

  /** Never rejects. */
  async #expect(signal: AbortSignal): Promise<void> {
    await this.#options.clock.sleep(soonMs, signal).catch(() => undefined);
    if (signal.aborted || !this.isAwaited) return;
    this.#isSlow = true;
    await this.#options.onShapes();
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, seriesQuery, maxAgeMs, clock, onNotes, prepare, onShapes } = this.#options;
    try {
      const startMs = clock.wallMs() - maxAgeMs;
      const request = { match: seriesQuery, startMs, subject: `series ${seriesQuery}` };
      const { result: listed, notes } = await client.series(request, createShapeFold, signal);
      onNotes(notes);
      this.warning = incompleteness(notes);
      // Series that are taken over from another selector need not be this one's.
      const isFirst = this.#text === undefined;
      const result = this.warning === undefined || isFirst ? listed : await joinShapes(this.shapes, listed);
      if (result.text !== this.#text) {
        await prepare(result.shapes);
        signal.throwIfAborted();
        this.#text = result.text;
        this.shapes = result.shapes;
        await onShapes();
      }
      this.lastSuccessMs = clock.wallMs();
      this.#recovered();
    } catch (error) {
      if (signal.aborted) return;
      const wasAwaited = this.isAwaited;
      this.#failed(error instanceof Error ? error : new Error(String(error)));
      if (wasAwaited) await onShapes();
    }
  }

  #recovered(): void {
    const { log, client, seriesQuery } = this.#options;
    if (this.lastError !== undefined) log.info({ source: client.engine.name, seriesQuery }, 'lists series again');
    this.lastError = undefined;
  }

  #failed(error: Error): void {
    const { log, client, seriesQuery } = this.#options;
    if (this.lastError === undefined) {
      const fields = { source: client.engine.name, seriesQuery, reason: error.message };
      log.warn(
        { code: 'SeriesNotListed', ...fields },
        'cannot list series; the metrics of the last list stay, retries until it works',
      );
    }
    this.lastError = error;
  }
}
