/** Caches reviews, and shares a request among a key's callers. */
import { untilAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';

/** The request that needs a review. */
export interface Waiter {
  readonly signal: AbortSignal;
  /**
   * Resolves at the request's turn of the event loop: a result resumes all that waited for it in one turn, and hundreds
   * of refusals took 0.1 s. Not called for a cached result.
   */
  readonly turn: () => Promise<void>;
}

/** Settles as the promise, at the request's turn. */
export async function inTurn<T>(promise: Promise<T>, { turn }: Waiter): Promise<T> {
  try {
    return await promise;
  } finally {
    await turn();
  }
}

export interface ReviewCache<T> {
  /** @param load runs for all callers, without the signal. Its errors are not cached. */
  get(key: string, load: Load<T>, waiter: Waiter): Promise<T>;
  put(key: string, result: T): void;
}

/** @param onRetry must be called before each retry, to serve a stale result. */
export type Load<T> = (onRetry: (error: unknown) => void) => Promise<T>;

export interface ReviewCacheOptions<T> {
  /** The least recently used entry is evicted. */
  readonly limit: number;
  /** Milliseconds; 0 is not cached. */
  readonly ttlMs: (result: T) => number;
  readonly stale?: StaleOptions<T>;
  readonly clock: Clock;
}

/** When a result is served beyond its TTL. */
export interface StaleOptions<T> {
  /** Milliseconds; 0 is never. */
  readonly ms: (result: T) => number;
  /** Whether the server gave no result. Other errors evict the entry. */
  readonly isOutage: (error: unknown) => boolean;
}

interface CacheEntry<T> {
  readonly result: T;
  readonly requestedMs: number;
  readonly untilMs: number;
  readonly staleUntilMs: number;
  /** By an outage, at the latest request. */
  failing: boolean;
}

interface PendingRequests<T> {
  latest: ReviewRequest<T>;
  readonly requests: Set<ReviewRequest<T>>;
}

/** Shared by callers within `joinMs`. */
interface ReviewRequest<T> {
  readonly requestedMs: number;
  /**
   * Settles with the key's first result, or a stale one; then replaced. A promise keeps its waiters: one per key would
   * grow throughout an outage.
   */
  waiters: PromiseWithResolvers<T>;
}

/**
 * Milliseconds; later callers send a new request, as the old one may hang. Reviews end after 10 s: at most five are in
 * flight.
 */
const joinMs = 2_000;

export function createReviewCache<T>(options: ReviewCacheOptions<T>): ReviewCache<T> {
  return new CoalescingCache(options);
}

class CoalescingCache<T> implements ReviewCache<T> {
  readonly #options: ReviewCacheOptions<T>;
  /** Least recently used first. */
  readonly #entries = new Map<string, CacheEntry<T>>();
  readonly #inFlight = new Map<string, PendingRequests<T>>();

  constructor(options: ReviewCacheOptions<T>) {
    this.#options = options;
  }

  async get(key: string, load: Load<T>, waiter: Waiter): Promise<T> {
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.untilMs > this.#nowMs()) {
      this.#entries.delete(key);
      this.#entries.set(key, entry);
      return entry.result;
    }
    const { waiters } = this.#request(key, load);
    // In a known outage no caller waits: the next result serves later ones.
    if (entry !== undefined && this.#isUsable(entry)) return entry.result;
    return await inTurn(untilAborted(waiters.promise, waiter.signal), waiter);
  }

  put(key: string, result: T): void {
    this.#store(key, result, this.#nowMs());
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }

  #request(key: string, load: Load<T>): ReviewRequest<T> {
    const requestedMs = this.#nowMs();
    let inFlight = this.#inFlight.get(key);
    if (inFlight !== undefined && requestedMs - inFlight.latest.requestedMs < joinMs) return inFlight.latest;
    const request = { requestedMs, waiters: createWaiters<T>() };
    if (inFlight === undefined) this.#inFlight.set(key, (inFlight = { latest: request, requests: new Set() }));
    inFlight.latest = request;
    inFlight.requests.add(request);
    void this.#run(key, inFlight, request, load);
    return request;
  }

  async #run(key: string, inFlight: PendingRequests<T>, request: ReviewRequest<T>, load: Load<T>): Promise<void> {
    const { requestedMs } = request;
    const ended = new AbortController();
    void this.#useStaleIfHung(key, requestedMs, ended.signal);
    try {
      const result = await load((error) => this.#onRetry(key, requestedMs, error));
      if (!this.#isOutdated(key, requestedMs)) this.#store(key, result, requestedMs);
      this.#resolveAll(key, result);
      request.waiters.resolve(result);
    } catch (error) {
      const entry = this.#isOutdated(key, requestedMs) ? undefined : this.#onError(key, error);
      if (entry !== undefined) this.#resolveAll(key, entry.result);
      if (entry === undefined) request.waiters.reject(error);
      else request.waiters.resolve(entry.result);
    } finally {
      ended.abort();
      inFlight.requests.delete(request);
      if (inFlight.requests.size === 0) this.#inFlight.delete(key);
    }
  }

  async #useStaleIfHung(key: string, requestedMs: number, signal: AbortSignal): Promise<void> {
    const { stale, clock } = this.#options;
    const entry = this.#entries.get(key);
    if (stale === undefined || entry === undefined || entry.staleUntilMs <= this.#nowMs()) return;
    const isHung = await clock.sleep(joinMs, signal).then(
      () => true,
      () => false,
    );
    if (!isHung || this.#isOutdated(key, requestedMs) || this.#entries.get(key) !== entry) return;
    entry.failing = true;
    if (this.#isUsable(entry)) this.#resolveAll(key, entry.result);
  }

  /** Serves stale results in an outage. Other errors are left to the last try. */
  #onRetry(key: string, requestedMs: number, error: unknown): void {
    if (this.#isOutdated(key, requestedMs) || this.#options.stale?.isOutage(error) !== true) return;
    const entry = this.#onError(key, error);
    if (entry !== undefined) this.#resolveAll(key, entry.result);
  }

  #resolveAll(key: string, result: T): void {
    for (const request of this.#inFlight.get(key)?.requests ?? []) {
      request.waiters.resolve(result);
      request.waiters = createWaiters();
    }
  }

  #isOutdated(key: string, requestedMs: number): boolean {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.requestedMs > requestedMs;
  }

  #onError(key: string, error: unknown): CacheEntry<T> | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#options.stale?.isOutage(error) !== true) {
      this.#entries.delete(key);
      return undefined;
    }
    entry.failing = true;
    return this.#isUsable(entry) ? entry : undefined;
  }

  #isUsable({ failing, staleUntilMs }: CacheEntry<T>): boolean {
    return failing && staleUntilMs > this.#nowMs();
  }

  #store(key: string, result: T, requestedMs: number): void {
    const { ttlMs, stale, limit } = this.#options;
    this.#entries.delete(key);
    const lifetimeMs = ttlMs(result);
    if (lifetimeMs <= 0) return;
    const untilMs = this.#nowMs() + lifetimeMs;
    const staleUntilMs = untilMs + (stale?.ms(result) ?? 0);
    this.#entries.set(key, { result, requestedMs, untilMs, staleUntilMs, failing: false });
    if (this.#entries.size <= limit) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}

/** Keeps a rejection without waiters from being unhandled. */
function createWaiters<T>(): PromiseWithResolvers<T> {
  const waiters = Promise.withResolvers<T>();
  waiters.promise.catch(() => undefined);
  return waiters;
}
