/**
 * Stops queries of one rule that would not end. A flow is stopped by its own failures: its selector may be the reason.
 * The rule is judged by failures of several flows, which one caller cannot make alone.
 */
import { Breaker, type BreakerOptions, type Passage } from './breaker.ts';
import { flowText, type Flow } from './flow.ts';

/** Flows whose queries failed, with none that succeeded since. */
export const suspectFlows = 3;
/** Flows with failures; of more, the one that failed least recently is forgotten. */
const flowLimit = 200;
/** Requests at once, of flows that have failed and of the others each, while the rule is suspect. */
const suspectRequests = 1;

export class RuleBreaker {
  readonly #options: BreakerOptions;
  /** Of flows that failed since their last success. */
  readonly #breakers = new Map<string, Breaker>();
  /** Flows that failed since the last success of any. */
  readonly #failing = new Set<string>();
  /** Under way. */
  readonly #active = { failing: 0, others: 0 };
  #lastError: Error | undefined;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** Returns the last failure while requests of the flow are stopped. */
  stopped(flow: Flow): Error | undefined {
    const key = flowText(flow);
    const own = this.#breakers.get(key)?.stopped;
    if (own !== undefined || this.#failing.size < suspectFlows) return own;
    return this.#active[this.#classOf(key)] < suspectRequests ? undefined : this.#lastError;
  }

  /** Call it only while nothing is stopped. */
  pass(flow: Flow): Passage {
    const key = flowText(flow);
    const own = this.#breakers.get(key)?.pass();
    const active = this.#classOf(key);
    this.#active[active] += 1;
    const end = (verdict: () => void) => () => {
      this.#active[active] -= 1;
      verdict();
    };
    return {
      succeeded: end(() => this.#succeed(key)),
      abandoned: end(() => own?.abandoned()),
      failed: (error) => end(() => this.#fail(key, error, own))(),
    };
  }

  #classOf(key: string): 'failing' | 'others' {
    return this.#failing.has(key) ? 'failing' : 'others';
  }

  #succeed(key: string): void {
    this.#breakers.delete(key);
    this.#failing.clear();
    this.#lastError = undefined;
  }

  #fail(key: string, error: Error, passed: Passage | undefined): void {
    const breaker = this.#breakers.get(key) ?? new Breaker(this.#options);
    (passed ?? breaker.pass()).failed(error);
    this.#breakers.delete(key);
    this.#breakers.set(key, breaker);
    this.#failing.add(key);
    this.#lastError = error;
    const [oldest] = this.#breakers.keys();
    if (this.#breakers.size <= flowLimit || oldest === undefined) return;
    this.#breakers.delete(oldest);
    this.#failing.delete(oldest);
  }
}
