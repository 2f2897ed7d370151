/** The circuit breakers of one engine: one for the way to it, and one per rule for queries that it does not finish. */
import { Breaker, type BreakerOptions, longestOpenMs, type Passage } from './breaker.ts';
import type { Flow } from './flow.ts';
import { PromqlError } from './promqlerror.ts';
import { RuleBreaker } from './rulebreaker.ts';

/** Subjects, which are rules. The one unused for longest is dropped. */
const subjectLimit = 1_000;

interface RequestPassage {
  succeeded(): void;
  failed(error: PromqlError): void;
  abandoned(): void;
}

export class Breakers {
  readonly #options: BreakerOptions;
  readonly #engine: Breaker;
  readonly #subjects = new Map<string, RuleBreaker>();

  constructor(options: BreakerOptions) {
    this.#options = options;
    // A probe that hangs has a connection; what is probed is whether there are any.
    this.#engine = new Breaker({ ...options, probeMs: longestOpenMs });
  }

  /** @throws PromqlError with the last failure while requests are stopped. */
  check(subject: string, flow: Flow): void {
    const stopped = this.#engine.stopped ?? this.#of(subject).stopped(flow);
    if (stopped instanceof PromqlError) throw new StoppedError(stopped);
  }

  /** @throws PromqlError as `check`. */
  pass(subject: string, flow: Flow): RequestPassage {
    this.check(subject, flow);
    const engine = this.#engine.pass();
    const rule = this.#of(subject).pass(flow);
    const both: readonly Passage[] = [engine, rule];
    return {
      succeeded: () => both.forEach((passage) => passage.succeeded()),
      abandoned: () => both.forEach((passage) => passage.abandoned()),
      failed: (error) => {
        switch (error.problem) {
          case 'unavailable':
            // A connection that cannot be made says nothing about the rule.
            engine.failed(error);
            rule.abandoned();
            break;
          case 'late':
          case 'interrupted':
            // The query may be the reason, so it says nothing about the way to the engine.
            engine.abandoned();
            rule.failed(error);
            break;
          case 'failed':
            engine.succeeded();
            rule.failed(error);
            break;
          case 'refused':
          case 'invalid':
            // The engine answers.
            both.forEach((passage) => passage.succeeded());
        }
      },
    };
  }

  #of(subject: string): RuleBreaker {
    const breaker = this.#subjects.get(subject) ?? new RuleBreaker(this.#options);
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
