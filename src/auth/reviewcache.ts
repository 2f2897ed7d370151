/** Remembers kube-apiserver's answers for some seconds, and asks it once however many come for the same answer at a time. */
import { untilAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';

export interface ReviewCache<T> {
  /**
   * The remembered answer, or a new one.
   * @param ask is called without the caller's signal, because others may wait for its answer too; what it throws is not remembered.
   * @param signal ends this caller's waiting.
   */
  get(key: string, ask: Ask<T>, signal: AbortSignal): Promise<T>;
  /** Remembers an answer that was had in another way. */
  put(key: string, answer: T): void;
}

/** @param failed is to be called when a try failed and another follows: an answer that may stand in need not wait for that. */
export type Ask<T> = (failed: (error: unknown) => void) => Promise<T>;

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

/** What is being asked about one key, by one question or several. */
interface Asking<T> {
  latest: Question<T>;
  readonly underWay: Set<Question<T>>;
}

/** One question, for all who came within `joinMs`. */
interface Question<T> {
  readonly askedMs: number;
  /**
   * For its callers: the first answer that comes, to whichever question, or one that stands in; new after that, until the question has ended. Each has its
   * own, because a promise keeps all who wait for it: one for the key would grow as long as an outage lasts.
   */
  waiting: PromiseWithResolvers<T>;
}

/** Who comes later than this asks anew: the old question may hang where a new one would not. Reviews end after 10 s, so five are under way at most. */
const joinMs = 2_000;

export function createReviewCache<T>({ limit, ttlMs, stale, clock }: ReviewCacheOptions<T>): ReviewCache<T> {
  /** In the order of their last use. */
  const answers = new Map<string, Held<T>>();
  const askings = new Map<string, Asking<T>>();

  return {
    async get(key, ask, signal) {
      const held = answers.get(key);
      if (held !== undefined && held.untilMs > clock.monotonicMs()) {
        answers.delete(key);
        answers.set(key, held);
        return held.answer;
      }
      const { waiting } = askFor(key, ask);
      // Nobody waits out the outage again; whoever comes after the next answer has that.
      return held !== undefined && standsIn(held) ? held.answer : await untilAborted(waiting.promise, signal);
    },
    put: (key, answer) => remember(key, answer, clock.monotonicMs()),
  };

  /** Begins a question, unless there is one that is new enough. */
  function askFor(key: string, ask: Ask<T>): Question<T> {
    const askedMs = clock.monotonicMs();
    let asking = askings.get(key);
    if (asking !== undefined && askedMs - asking.latest.askedMs < joinMs) return asking.latest;
    const question = { askedMs, waiting: createWaiting<T>() };
    if (asking === undefined) askings.set(key, (asking = { latest: question, underWay: new Set() }));
    asking.latest = question;
    asking.underWay.add(question);
    void askAndRemember(key, asking, question, ask);
    return question;
  }

  /** Never rejects. */
  async function askAndRemember(key: string, asking: Asking<T>, question: Question<T>, ask: Ask<T>): Promise<void> {
    const { askedMs } = question;
    const ended = new AbortController();
    void standInIfHung(key, askedMs, ended.signal);
    try {
      const answer = await ask((error) => tryFailed(key, askedMs, error));
      if (!isOutdated(key, askedMs)) remember(key, answer, askedMs);
      tellAll(key, answer);
      question.waiting.resolve(answer);
    } catch (error) {
      const held = isOutdated(key, askedMs) ? undefined : withoutAnswer(key, error);
      if (held !== undefined) tellAll(key, held.answer);
      if (held === undefined) question.waiting.reject(error);
      else question.waiting.resolve(held.answer);
    } finally {
      ended.abort();
      asking.underWay.delete(question);
      if (asking.underWay.size === 0) askings.delete(key);
    }
  }

  async function standInIfHung(key: string, askedMs: number, signal: AbortSignal): Promise<void> {
    const held = answers.get(key);
    if (stale === undefined || held === undefined || held.staleUntilMs <= clock.monotonicMs()) return;
    const isHung = await clock.sleep(joinMs, signal).then(
      () => true,
      () => false,
    );
    if (!isHung || isOutdated(key, askedMs) || answers.get(key) !== held) return;
    held.failing = true;
    if (standsIn(held)) tellAll(key, held.answer);
  }

  /** Lets those who wait have what stands in. What is no outage is left to the last try, which may still bring the answer. */
  function tryFailed(key: string, askedMs: number, error: unknown): void {
    if (isOutdated(key, askedMs) || stale?.isOutage(error) !== true) return;
    const held = withoutAnswer(key, error);
    if (held !== undefined) tellAll(key, held.answer);
  }

  function tellAll(key: string, answer: T): void {
    for (const question of askings.get(key)?.underWay ?? []) {
      question.waiting.resolve(answer);
      question.waiting = createWaiting();
    }
  }

  /** Whether a later question has been answered already. */
  function isOutdated(key: string, askedMs: number): boolean {
    const held = answers.get(key);
    return held !== undefined && held.askedMs > askedMs;
  }

  /** Returns what stands in. */
  function withoutAnswer(key: string, error: unknown): Held<T> | undefined {
    const held = answers.get(key);
    if (held === undefined || stale?.isOutage(error) !== true) {
      answers.delete(key);
      return undefined;
    }
    held.failing = true;
    return standsIn(held) ? held : undefined;
  }

  function standsIn({ failing, staleUntilMs }: Held<T>): boolean {
    return failing && staleUntilMs > clock.monotonicMs();
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

/** Nobody may wait when it is rejected. */
function createWaiting<T>(): PromiseWithResolvers<T> {
  const waiting = Promise.withResolvers<T>();
  waiting.promise.catch(() => undefined);
  return waiting;
}
