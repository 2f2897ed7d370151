/** Remembers kube-apiserver's answers for some seconds, and asks it once however many come for the same answer at a time. */
import { untilAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';

export interface ReviewCache<T> {
  /**
   * The remembered answer, or a new one.
   * @param ask is called without the caller's signal, because others may wait for its answer too; what it throws is not remembered.
   * @param signal ends this caller's waiting.
   */
  get(key: string, ask: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

export interface ReviewCacheOptions<T> {
  /** Entries; the one that was not used for longest makes room. */
  readonly limit: number;
  /** How long an answer is good for, in milliseconds; 0 is not remembered. */
  readonly ttlMs: (answer: T) => number;
  /** For how much longer it stands in for one that cannot be had. */
  readonly stale?: Stale<T>;
  readonly clock: Clock;
}

export interface Stale<T> {
  /** In milliseconds; 0 never stands in. */
  readonly ms: (answer: T) => number;
  /** Whether what was thrown means that nobody could answer. Any other error is an answer, and the remembered one is forgotten. */
  readonly isOutage: (error: unknown) => boolean;
}

interface Held<T> {
  readonly answer: T;
  /** When it was asked for. */
  readonly askedMs: number;
  readonly untilMs: number;
  readonly staleUntilMs: number;
  /** Whether nobody could answer when it was asked for again. */
  failing: boolean;
}

interface Question<T> {
  readonly askedMs: number;
  readonly answer: Promise<T>;
}

/** Who comes later than this asks anew: the old question may hang where a new one would not. Reviews end after 10 s, so five are under way at most. */
const joinMs = 2_000;

export function createReviewCache<T>({ limit, ttlMs, stale, clock }: ReviewCacheOptions<T>): ReviewCache<T> {
  /** In the order of their last use. */
  const answers = new Map<string, Held<T>>();
  const asking = new Map<string, Question<T>>();

  return {
    async get(key, ask, signal) {
      const held = answers.get(key);
      if (held !== undefined && held.untilMs > clock.monotonicMs()) {
        answers.delete(key);
        answers.set(key, held);
        return held.answer;
      }
      const { answer } = questionFor(key, ask);
      if (held?.failing === true && standsIn(held)) {
        // Nobody waits out the outage again; whoever comes after the next answer has that.
        answer.catch(() => undefined);
        return held.answer;
      }
      try {
        return await untilAborted(answer, signal);
      } catch (error) {
        if (held?.failing === true && standsIn(held) && !signal.aborted) return held.answer;
        throw error;
      }
    },
  };

  function questionFor(key: string, ask: () => Promise<T>): Question<T> {
    const nowMs = clock.monotonicMs();
    const underWay = asking.get(key);
    if (underWay !== undefined && nowMs - underWay.askedMs < joinMs) return underWay;
    const answer = askAndRemember(key, nowMs, ask).finally(() => {
      if (asking.get(key) === question) asking.delete(key);
    });
    const question: Question<T> = { askedMs: nowMs, answer };
    asking.set(key, question);
    return question;
  }

  function standsIn(held: Held<T>): boolean {
    return held.staleUntilMs > clock.monotonicMs();
  }

  async function askAndRemember(key: string, askedMs: number, ask: () => Promise<T>): Promise<T> {
    try {
      // Started a turn later, so that a question that fails at once is not left in the map.
      const answer = await Promise.resolve().then(ask);
      if (!isOutdated(key, askedMs)) remember(key, answer, askedMs);
      return answer;
    } catch (error) {
      if (!isOutdated(key, askedMs)) withoutAnswer(key, error);
      throw error;
    }
  }

  /** Whether a later question has been answered already. */
  function isOutdated(key: string, askedMs: number): boolean {
    const held = answers.get(key);
    return held !== undefined && held.askedMs > askedMs;
  }

  function withoutAnswer(key: string, error: unknown): void {
    const held = answers.get(key);
    if (held !== undefined && stale?.isOutage(error) === true) held.failing = true;
    else answers.delete(key);
  }

  function remember(key: string, answer: T, askedMs: number): void {
    answers.delete(key);
    const lifetimeMs = ttlMs(answer);
    if (lifetimeMs <= 0) return;
    const untilMs = clock.monotonicMs() + lifetimeMs;
    answers.set(key, { answer, askedMs, untilMs, staleUntilMs: untilMs + (stale?.ms(answer) ?? 0), failing: false });
    if (answers.size <= limit) return;
    const [oldest] = answers.keys();
    if (oldest !== undefined) answers.delete(oldest);
  }
}
