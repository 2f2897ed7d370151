/**
 * Joins the objects of requests that differ in nothing else: while one query is under way, later requests gather, and
 * the next query is for all of them, or several at once are. A single request is sent at once.
 */
import { untilAborted } from '../abort.ts';

/** Objects of one query. */
export const batchNameLimit = 2_000;

/**
 * Bytes of their names in one query, at most: `nameBytesLimit` returns those of a template. Requests for more are cut by
 * `nameBatches`.
 */
export const batchBytesLimit = 8_192;

interface Batch<T> {
  readonly names: Set<string>;
  /** The size of the names, as `bytesOf` counts it. */
  bytes: number;
  isAnswered: boolean;
  readonly end: AbortController;
  readonly answer: PromiseWithResolvers<T>;
  waiting: number;
}

/** The query under way for one key, and the requests that gather for the next. */
interface KeyQueue<T> {
  /** Under way at once. */
  current: readonly Batch<T>[];
  next: Batch<T>[];
}

/** The cause is why a query for more objects than those of the request failed. */
export class JoinedQueryError extends Error {
  override readonly name = 'JoinedQueryError';
}

/** Sends one query. */
export type RunBatch<T> = (names: readonly string[], signal: AbortSignal) => Promise<T>;

export class NameBatches<T> {
  readonly #queues = new Map<string, KeyQueue<T>>();

  /**
   * Returns an answer that has at least these names.
   * @param key equal for requests that one query can serve.
   * @param bytesLimit of names in one query, equal for equal keys.
   * @throws JoinedQueryError, or what `run` rejects with where the names are all of the query's.
   */
  async ask(
    key: string,
    names: readonly string[],
    run: RunBatch<T>,
    signal: AbortSignal,
    bytesLimit = batchBytesLimit,
  ): Promise<T> {
    signal.throwIfAborted();
    const queue = this.#queues.get(key);
    const batch = queue === undefined ? this.#begin(key, names, run) : this.#join(queue, names, bytesLimit);
    batch.waiting += 1;
    try {
      return await untilAborted(batch.answer.promise, signal);
    } catch (cause) {
      signal.throwIfAborted();
      if (batch.names.size === new Set(names).size) throw cause;
      throw new JoinedQueryError('a query for several requests failed', { cause });
    } finally {
      batch.waiting -= 1;
      if (batch.waiting === 0) batch.end.abort(new Error('no client waits for the query any more'));
    }
  }

  #begin(key: string, names: readonly string[], run: RunBatch<T>): Batch<T> {
    const batch = createBatch<T>(names);
    const queue: KeyQueue<T> = { current: [batch], next: [] };
    this.#queues.set(key, queue);
    void this.#runQueue(key, queue, run);
    return batch;
  }

  #join(queue: KeyQueue<T>, names: readonly string[], bytesLimit: number): Batch<T> {
    const joined = queue.current.find(
      (batch) => !batch.isAnswered && batch.waiting > 0 && names.every((name) => batch.names.has(name)),
    );
    if (joined !== undefined) return joined;
    const roomy = queue.next.find((batch) => !batch.end.signal.aborted && hasRoom(batch, names, bytesLimit));
    if (roomy !== undefined) {
      addNames(roomy, names);
      return roomy;
    }
    const batch = createBatch<T>(names);
    queue.next.push(batch);
    return batch;
  }

  /** Never rejects. */
  async #runQueue(key: string, queue: KeyQueue<T>, run: RunBatch<T>): Promise<void> {
    while (queue.current.length > 0) {
      await Promise.all(queue.current.map((batch) => runBatch(batch, run)));
      // The callers of a batch may all have left.
      queue.current = queue.next.filter(({ end }) => !end.signal.aborted);
      queue.next = [];
    }
    // In the same step as the end of the loop: a request that joins later would not be sent.
    this.#queues.delete(key);
  }
}

/** Never rejects. */
async function runBatch<T>(batch: Batch<T>, run: RunBatch<T>): Promise<void> {
  const { answer, end, names } = batch;
  await run([...names].sort(), end.signal).then(answer.resolve, answer.reject);
  batch.isAnswered = true;
}

function hasRoom<T>({ names, bytes }: Batch<T>, more: readonly string[], bytesLimit: number): boolean {
  const added = more.filter((name) => !names.has(name));
  return names.size + added.length <= batchNameLimit && bytes + bytesOf(added) <= bytesLimit;
}

function addNames<T>(batch: Batch<T>, names: readonly string[]): void {
  const added = names.filter((name) => !batch.names.has(name));
  for (const name of added) batch.names.add(name);
  batch.bytes += bytesOf(added);
}

const plain = /^[a-zA-Z0-9_-]*$/;
const special = /[^a-zA-Z0-9_-]/g;

/** Returns the size of names as alternatives of a regular expression: a dot becomes three bytes in a string. */
export function bytesOf(names: readonly string[]): number {
  return names.reduce((sum, name) => sum + (plain.test(name) ? name : name.replaceAll(special, '---')).length + 1, 0);
}

function createBatch<T>(names: readonly string[]): Batch<T> {
  const answer = Promise.withResolvers<T>();
  // Its callers may have left.
  answer.promise.catch(() => undefined);
  const all = new Set(names);
  return { names: all, bytes: bytesOf([...all]), isAnswered: false, end: new AbortController(), answer, waiting: 0 };
}
