/** From samples of an engine to served numbers. */
import type { StatusCause } from '../apimachinery/meta.ts';
import { milliOf } from '../metricsource/milli.ts';
import type { MetricSample } from '../metricsource/source.ts';
import type { PromqlSample } from '../promql/answer.ts';

/** Why a sample makes no number, as a metric's label and in messages. */
export type LeftOutReason = 'not-a-number' | 'infinite' | 'too-large' | 'histogram' | 'malformed';

export type MeasuredSample =
  | { readonly kind: 'sample'; readonly sample: MetricSample }
  | { readonly kind: 'left out'; readonly reason: LeftOutReason; readonly message: string };

/** Converts a sample. The timestamp is the sample's. */
export function measure({ value, timestampMs, problem }: PromqlSample): MeasuredSample {
  if (value === undefined) {
    const reason = problem === 'a native histogram' ? 'histogram' : 'malformed';
    return { kind: 'left out', reason, message: `the sample is ${problem ?? 'malformed'}` };
  }
  const valueMilli = milliOf(value);
  if (valueMilli !== undefined) return { kind: 'sample', sample: { timestampMs, valueMilli } };
  if (Number.isNaN(value)) return { kind: 'left out', reason: 'not-a-number', message: 'the sample is NaN' };
  const isInfinite = !Number.isFinite(value);
  return {
    kind: 'left out',
    reason: isInfinite ? 'infinite' : 'too-large',
    message: isInfinite ? 'the sample is infinite' : `the sample ${value} is too large for a quantity`,
  };
}

/** More explain no answer better. */
export const causeLimit = 10;

/** Returns the cause for an object whose sample makes no number. */
export function leftOutCause(name: string, message: string): StatusCause {
  return { message: `${name}: ${message}; no value is served for it` };
}
