/** Runs the checks of `kubegauge doctor` for the page. */
import type { Clock } from '../clock.ts';
import type { Examination } from '../doctor/examination.ts';
import { foreignText } from '../foreigntext.ts';
import { describeError } from '../logging.ts';
import { healthLifetimeMs } from './limits.ts';
import type { HealthAnswer } from './routes.ts';

/** Examines the cluster once for all pages, and again when the result is asked for and stale. */
export class Health {
  readonly #examine: () => Promise<Examination>;
  readonly #clock: Clock;
  #running = false;
  /** Monotonic; of the end of the last run. */
  #untilMs = Number.NEGATIVE_INFINITY;
  #last: Omit<HealthAnswer, 'state'> = {};

  constructor(examine: () => Promise<Examination>, clock: Clock) {
    this.#examine = examine;
    this.#clock = clock;
  }

  read(): HealthAnswer {
    if (!this.#running && this.#clock.monotonicMs() >= this.#untilMs) void this.#run();
    const state = this.#running ? 'examining' : this.#last.error === undefined ? 'examined' : 'failed';
    return { state, ...this.#last };
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      this.#last = { examination: await this.#examine() };
    } catch (error) {
      const remedy = 'kubegauge doctor   # in a terminal, for more';
      this.#last = { error: `the cluster cannot be examined: ${foreignText(describeError(error))}`, remedy };
    } finally {
      this.#running = false;
      this.#untilMs = this.#clock.monotonicMs() + healthLifetimeMs;
    }
  }
}
