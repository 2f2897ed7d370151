/**
 * Joins the objects of requests that differ in nothing else: while one query is under way, later requests gather, and
 * the next query is for all of them. A single request is sent at once.
 */
import { untilAborted } from '../abort.ts';

/** Objects of one query; a request for more is sent by itself. */
export const batchNameLimit = 2_000;

interface Batch<T> {
  readonly names: Set<string>;
  readonly end: AbortController;
  readonly answer: PromiseWithResolvers<T>;
  waiting: number;
}

interface Lane<T> {
  current: Batch<T>;
  next: Batch<T> | undefined;
}

/** Sends one query. */
export type RunBatch<T> = (names: readonly string[], signal: AbortSignal) => Promise<T>;

export class NameBatches<T> {
  readonly #lanes = new Map<string, Lane<T>>();

  /**
   * Returns an answer that has at least these names.
   * @param key equal for requests that one query can serve.
   */
  async ask(key: string, names: readonly string[], run: RunBatch<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const lane = this.#lanes.get(key);
    const batch = lane === undefined ? this.#begin(key, names, run) : this.#join(lane, names);
    if (batch === undefined) return run(names, signal);
    batch.waiting += 1;
    try {
      return await untilAborted(batch.answer.promise, signal);
    } finally {
      batch.waiting -= 1;
      if (batch.waiting === 0) batch.end.abort(new Error('no client waits for the query any more'));
    }
  }

  #begin(key: string, names: readonly string[], run: RunBatch<T>): Batch<T> {
    const batch = createBatch<T>(names);
    const lane: Lane<T> = { current: batch, next: undefined };
    this.#lanes.set(key, lane);
    void this.#runLane(key, lane, run);
    return batch;
  }

  /** Returns undefined if the names have no room. */
  #join(lane: Lane<T>, names: readonly string[]): Batch<T> | undefined {
    if (lane.current.waiting > 0 && names.every((name) => lane.current.names.has(name))) return lane.current;
    // Its callers may all have left.
    if (lane.next === undefined || lane.next.end.signal.aborted) lane.next = createBatch<T>([]);
    const { next } = lane;
    const added = names.filter((name) => !next.names.has(name));
    if (next.names.size > 0 && next.names.size + added.length > batchNameLimit) return undefined;
    for (const name of added) next.names.add(name);
    return next;
  }

  /** Never rejects. */
  async #runLane(key: string, lane: Lane<T>, run: RunBatch<T>): Promise<void> {
    for (let batch: Batch<T> | undefined = lane.current; batch !== undefined; batch = lane.next) {
      lane.current = batch;
      lane.next = undefined;
      const { answer, end, names } = batch;
      await run([...names].sort(), end.signal).then(answer.resolve, answer.reject);
    }
    // In the same step as the end of the loop: a request that joins later would not be sent.
    this.#lanes.delete(key);
  }
}

function createBatch<T>(names: readonly string[]): Batch<T> {
  const answer = Promise.withResolvers<T>();
  // Its callers may have left.
  answer.promise.catch(() => undefined);
  return { names: new Set(names), end: new AbortController(), answer, waiting: 0 };
}
