/** The samples of one cgroup, for both endpoints. */
import type { UnlabeledSample } from '../exposition/sample.ts';
import { quantities, scrapedColumn } from '../sample/quantities.ts';

/**
 * Reports whether a sample is older: kubelets send two if a container's cgroup outlived it. Without times the last
 * counts.
 */
export function isOlder(timestampMs: number, keptMs: number): boolean {
  return timestampMs < keptMs;
}

/** The newest sample of one series. */
export class Reading {
  seen = false;
  value = 0;
  /** NaN without a time. */
  timestampMs = Number.NaN;

  add({ value, timestampMs }: Pick<UnlabeledSample, 'value' | 'timestampMs'>): void {
    if (isOlder(timestampMs, this.timestampMs)) return;
    this.seen = true;
    this.value = value;
    this.timestampMs = timestampMs;
  }
}

/** The newest samples of one container or machine, one for each quantity. */
export class Readings {
  readonly cpu: Reading;
  readonly memory: Reading;
  readonly start = new Reading();
  readonly #columns: Reading[];

  constructor(cpu = new Reading(), memory = new Reading()) {
    this.cpu = cpu;
    this.memory = memory;
    this.#columns = [cpu, memory, this.start];
    for (let column = scrapedColumn.firstGauge; column < quantities.length; column += 1) {
      this.#columns.push(new Reading());
    }
  }

  /** @throws RangeError for an unknown column. */
  at(column: number): Reading {
    const reading = this.#columns[column];
    if (reading === undefined) throw noColumn(column);
    return reading;
  }
}

/** Returns the error of an unknown column. */
export function noColumn(column: number): RangeError {
  return new RangeError(`a row of ${quantities.length} quantities has no column ${column}`);
}
