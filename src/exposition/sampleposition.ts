/** Finds in a sample that the slow path has read what the fast path needs to match and read the next one at its place. */
import { readTrailingValue, timeBytes, valueBytes } from './metric.ts';
import type { Sample } from './sample.ts';
import { trailing } from './scratch.ts';

/**
 * The bytes that identify a sample's row: all bytes before its numbers, or the value of one label. `detail` is a label that some families have before it; all samples
 * of a family that are matched have the same value of it.
 */
export type Identity = 'all labels' | { readonly label: string; readonly detail: string };

/** A sample in memory, with the tag and the length before its message. Positions count in the memory's view. */
export interface SamplePosition {
  readonly start: number;
  readonly size: number;
  readonly identity: { readonly start: number; readonly length: number };
  /** The detail's value; undefined if the sample has none. */
  readonly detail: ByteRange | undefined;
  readonly isTimed: boolean;
}

export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** A message up to this size has a length of at most two bytes. Metrics have a few hundred bytes. */
const messageLimitBytes = (1 << 14) - 1;

/** The tag and the one-byte length before a label's value. They are part of its identity, so that no longer value matches. */
export const labelHeadBytes = 2;

/**
 * Returns where things are in the sample; undefined if the fast path cannot read it. Both paths then yield the same numbers, since they are compared here.
 * @param base position of the body in the view's memory.
 * @param start of the message in the body.
 */
export function positionOf(
  sample: Sample,
  identity: Identity,
  view: DataView,
  base: number,
  start: number,
  stop: number,
): SamplePosition | undefined {
  const isTimed = !Number.isNaN(sample.timestampMs);
  const end = stop - valueBytes - (isTimed ? timeBytes : 0);
  if (end < start || stop - start > messageLimitBytes) return undefined;
  if (!readTrailingValue(view, base + stop, isTimed, trailing)) return undefined;
  if (!Object.is(sample.value, trailing.value) || !Object.is(sample.timestampMs, trailing.timestampMs)) {
    return undefined;
  }
  const range = identity === 'all labels' ? { start, end } : identityOf(sample, identity.label);
  if (range === undefined || range.end > end) return undefined;
  const detail = identity === 'all labels' ? undefined : sample.rangeOf(identity.detail);
  if (detail !== undefined && detail.end > range.start) return undefined;
  // A tag and a length of one or two bytes. Longer encodings of the same length are not matched.
  const size = stop - start + (stop - start < 0x80 ? 2 : 3);
  return {
    start: base + stop - size,
    size,
    identity: { start: base + range.start, length: range.end - range.start },
    detail: detail && { start: base + detail.start, end: base + detail.end },
    isTimed,
  };
}

function identityOf(sample: Sample, label: string): ByteRange | undefined {
  const range = sample.rangeOf(label);
  return range === undefined || range.start === range.end
    ? undefined
    : { ...range, start: range.start - labelHeadBytes };
}
