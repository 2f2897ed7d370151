/** The circuit breakers of one engine: one for the way to it, and one per subject for queries that it does not finish. */
import { Breaker, type BreakerOptions, type Passage } from './breaker.ts';
import { PromqlError } from './promqlerror.ts';

/** Subjects, which are rules. The one unused for longest is dropped. */
const subjectLimit = 1_000;

export interface RequestPassage {
  succeeded(): void;
  failed(error: PromqlError): void;
  abandoned(): void;
}

export class Breakers {
  readonly #options: BreakerOptions;
  readonly #engine: Breaker;
  readonly #subjects = new Map<string, Breaker>();

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#engine = new Breaker(options);
  }

  /** @throws PromqlError with the last failure while requests are stopped. */
  pass(subject: string): RequestPassage {
    const own = this.#of(subject);
    const stopped = this.#engine.stopped ?? own.stopped;
    if (stopped instanceof PromqlError) throw new StoppedError(stopped);
    const engine = this.#engine.pass();
    const rule = own.pass();
    const both: readonly Passage[] = [engine, rule];
    return {
      succeeded: () => both.forEach((passage) => passage.succeeded()),
      abandoned: () => both.forEach((passage) => passage.abandoned()),
      failed: (error) => {
        // A connection that breaks says nothing about the rule, a timeout nothing about the way to the engine.
        if (error.problem === 'unavailable') {
          engine.failed(error);
          rule.abandoned();
        } else if (error.problem === 'late' || error.problem === 'failed') {
          if (error.problem === 'failed') engine.succeeded();
          else engine.abandoned();
          rule.failed(error);
        } else {
          // The engine answers.
          both.forEach((passage) => passage.succeeded());
        }
      },
    };
  }

  #of(subject: string): Breaker {
    const breaker = this.#subjects.get(subject) ?? new Breaker(this.#options);
    this.#subjects.delete(subject);
    this.#subjects.set(subject, breaker);
    for (const oldest of this.#subjects.keys()) {
      if (this.#subjects.size <= subjectLimit) break;
      this.#subjects.delete(oldest);
    }
    return breaker;
  }
}

/** The request was not sent. */
export class StoppedError extends PromqlError {
  constructor(cause: PromqlError) {
    super(cause.problem, `not asked, since the last requests failed: ${cause.message}`, { cause });
  }
}
