/**
 * Stops queries of one rule that would not end. A flow is stopped by its own failures: its selector may be the reason.
 * The rule is judged by failures of several flows of one lane, for that lane: a user may have many ServiceAccounts, and so
 * flows, but none of the autoscaler's.
 */
import { Breaker, type BreakerOptions, type Passage } from './breaker.ts';
import { flowText, type Flow, type Lane } from './flow.ts';

/** Flows of one lane whose queries failed, with none that succeeded since. */
export const suspectFlows = 3;
/** Flows with failures; of more, the one that failed least recently is forgotten. */
const flowLimit = 200;
/** Requests at once, of a lane's flows that have failed and of its others each, while the rule is suspect. */
const suspectRequests = 1;

class LaneVerdict {
  /** Flows that failed since the last success of any. */
  readonly failing = new Set<string>();
  /** Under way. */
  readonly active = { failing: 0, others: 0 };
  lastError: Error | undefined;

  /** Returns the last failure while no further request of the flow may begin. */
  stopped(key: string): Error | undefined {
    if (this.failing.size < suspectFlows || this.active[this.classOf(key)] < suspectRequests) return undefined;
    return this.lastError;
  }

  classOf(key: string): 'failing' | 'others' {
    return this.failing.has(key) ? 'failing' : 'others';
  }

  clear(): void {
    this.failing.clear();
    this.lastError = undefined;
  }
}

export class RuleBreaker {
  readonly #options: BreakerOptions;
  /** Breakers of the flows that failed since their last success. */
  readonly #breakers = new Map<string, Breaker>();
  readonly #lanes: Readonly<Record<Lane, LaneVerdict>> = {
    lists: new LaneVerdict(),
    system: new LaneVerdict(),
    users: new LaneVerdict(),
    strangers: new LaneVerdict(),
  };

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** Returns the last failure while requests of the flow are stopped. */
  stopped(flow: Flow): Error | undefined {
    const key = flowText(flow);
    return this.#breakers.get(key)?.stopped ?? this.#lanes[flow.lane].stopped(key);
  }

  /** Call it only while nothing is stopped. */
  pass(flow: Flow): Passage {
    const key = flowText(flow);
    const own = this.#breakers.get(key)?.pass();
    const lane = this.#lanes[flow.lane];
    const active = lane.classOf(key);
    lane.active[active] += 1;
    const end = (verdict: () => void) => () => {
      lane.active[active] -= 1;
      verdict();
    };
    return {
      succeeded: end(() => this.#succeed(key)),
      abandoned: end(() => own?.abandoned()),
      failed: (error) => end(() => this.#fail(key, lane, error, own))(),
    };
  }

  #succeed(key: string): void {
    this.#breakers.delete(key);
    for (const lane of Object.values(this.#lanes)) lane.clear();
  }

  #fail(key: string, lane: LaneVerdict, error: Error, passed: Passage | undefined): void {
    const breaker = this.#breakers.get(key) ?? new Breaker(this.#options);
    (passed ?? breaker.pass()).failed(error);
    this.#breakers.delete(key);
    this.#breakers.set(key, breaker);
    lane.failing.add(key);
    lane.lastError = error;
    const [oldest] = this.#breakers.keys();
    if (this.#breakers.size <= flowLimit || oldest === undefined) return;
    this.#breakers.delete(oldest);
    for (const each of Object.values(this.#lanes)) each.failing.delete(oldest);
  }
}
