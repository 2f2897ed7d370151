/** Writes last values as JSON, and reads only what this server can have written. */
import type { MetricSample, ExternalSample } from '../metricsource/source.ts';
import { milliLimit } from '../metricsource/milli.ts';
import { canBeId, canBeName, type PodUsage, type Usage } from '../sample/point.ts';
import { combineUsages } from '../storage/rate.ts';
import { isPossibleTime, longestMs } from '../storage/snapshotchecks.ts';
import type { ValueColumn } from './questionvalues.ts';

/** Rejects what no process writes, or what cannot be served. */
export class SavedValuesError extends Error {
  override readonly name = 'SavedValuesError';
}

/** As short as can be: there is one per object. */
export interface ValueCodec<T> {
  save(value: T): readonly unknown[];
  /** @throws SavedValuesError for what cannot be. */
  load(saved: readonly unknown[]): T;
  /** Whether the values of a question are one answer, which has no meaning in parts. */
  readonly isWhole: boolean;
  /** Keeps values in memory; absent: as they are. */
  readonly createColumn?: () => ValueColumn<T>;
}

/** Samples of PromQL engines have no window. */
class SampleColumn implements ValueColumn<MetricSample> {
  readonly #timesMs: number[] = [];
  /** Numbers where they are exact: usual ones take no memory of their own. */
  readonly #valuesMilli: (number | bigint)[] = [];

  at(place: number): MetricSample {
    return { timestampMs: this.#timesMs[place]!, valueMilli: BigInt(this.#valuesMilli[place]!) };
  }

  set(place: number, { timestampMs, valueMilli }: MetricSample): void {
    const number = Number(valueMilli);
    this.#timesMs[place] = timestampMs;
    this.#valuesMilli[place] = Number.isSafeInteger(number) ? number : valueMilli;
  }

  clear(): void {
    // Its numbers stay until the place is used again.
  }
}

/** A pod's usage. */
export interface KeptPod {
  /** A pod of the same name may have another. */
  readonly uid: string;
  readonly usage: PodUsage;
}

export const metricSampleCodec: ValueCodec<MetricSample> = {
  isWhole: false,
  save: saveSample,
  load: loadSample,
  createColumn: () => new SampleColumn(),
};

export const externalSampleCodec: ValueCodec<ExternalSample> = {
  isWhole: true,
  save: ({ labels, ...sample }) => [...saveSample(sample), ...(labels === undefined ? [] : [[...labels].flat()])],
  load([timestampMs, valueMilli, labels, ...more]) {
    check(more.length === 0, 'sample');
    return { ...loadSample([timestampMs, valueMilli]), labels: labels === undefined ? undefined : loadLabels(labels) };
  },
};

export const usageCodec: ValueCodec<Usage> = { isWhole: false, save: saveUsage, load: loadUsage };

export const podCodec: ValueCodec<KeptPod> = {
  isWhole: false,
  save({ uid, usage }) {
    return [uid, ...usage.containers.map(({ name, ...of }) => [name, ...saveUsage(of)])];
  },
  load([uid, ...saved]) {
    check(typeof uid === 'string' && canBeId(uid), 'UID');
    const containers = saved.map((each) => {
      const [name, ...of] = listOf(each, 'container');
      check(typeof name === 'string' && name !== '' && canBeName(name), 'name of a container');
      return { name, ...loadUsage(of) };
    });
    check(containers.length > 0, 'containers');
    check(
      containers.every(({ name }, index) => index === 0 || containers[index - 1]!.name < name),
      'order of containers',
    );
    return { uid, usage: combineUsages(containers) };
  },
};

/** @throws SavedValuesError unless it is possible. */
export function check(isPossible: boolean, what: string): asserts isPossible {
  if (!isPossible) throw new SavedValuesError(`the saved ${what} of rules cannot be`);
}

/** @throws SavedValuesError */
export function listOf(value: unknown, what: string): readonly unknown[] {
  check(Array.isArray(value), what);
  return value;
}

/** Reports whether the age of a value, in milliseconds, can have been written. */
export function isPossibleAge(ms: unknown): ms is number {
  return typeof ms === 'number' && ms >= 0 && ms <= longestMs;
}

function saveSample({ timestampMs, valueMilli }: MetricSample): readonly unknown[] {
  return [timestampMs, String(valueMilli)];
}

function loadSample([timestampMs, valueMilli, ...more]: readonly unknown[]): MetricSample {
  check(typeof timestampMs === 'number' && isPossibleTime(timestampMs), 'time');
  check(typeof valueMilli === 'string' && /^(?:0|-?[1-9][0-9]{0,18})$/.test(valueMilli), 'value');
  check(Math.abs(Number(valueMilli)) < milliLimit && more.length === 0, 'value');
  return { timestampMs, valueMilli: BigInt(valueMilli) };
}

function loadLabels(saved: unknown): ReadonlyMap<string, string> {
  const texts = listOf(saved, 'labels');
  check(texts.length % 2 === 0 && texts.every((text) => typeof text === 'string'), 'labels');
  const labels = new Map<string, string>();
  for (let at = 0; at < texts.length; at += 2) labels.set(texts[at] as string, texts[at + 1] as string);
  check(labels.size * 2 === texts.length, 'labels');
  return labels;
}

function saveUsage({ timestampMs, windowMs, cpuNanocores, memoryBytes }: Usage): readonly unknown[] {
  return [timestampMs, windowMs, cpuNanocores, memoryBytes];
}

function loadUsage([timestampMs, windowMs, cpuNanocores, memoryBytes, ...more]: readonly unknown[]): Usage {
  check(typeof timestampMs === 'number' && isPossibleTime(timestampMs), 'time');
  check(isPossibleAge(windowMs), 'window');
  check(isCount(cpuNanocores) && isCount(memoryBytes) && more.length === 0, 'usage');
  return { timestampMs, windowMs, cpuNanocores, memoryBytes };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
