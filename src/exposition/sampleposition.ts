/** Finds what the fast path compares and reads of a sample. */
import { numberBytes, readTrailingValue } from './metric.ts';
import type { Sample } from './sample.ts';
import { trailing } from './scratch.ts';

/**
 * Identifies a sample's row by all before its numbers, or one label's value. `detail` is an earlier label of some
 * families, equal in a family's matching samples.
 */
export type Identity = 'all labels' | { readonly label: string; readonly detail: string };

/** With tag and length; counts in the memory's view. */
export interface SamplePosition {
  readonly start: number;
  readonly size: number;
  readonly identity: { readonly start: number; readonly length: number };
  readonly detail: ByteRange | undefined;
  readonly isTimed: boolean;
}

export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const { valueBytes, timeBytes } = numberBytes;

/** The message's length takes two bytes. Metrics have a few hundred bytes. */
const messageLimitBytes = (1 << 14) - 1;

/** Tag and length before a label's value; part of the identity, so that no longer value matches. */
export const labelHeadBytes = 2;

/**
 * Returns undefined if the fast path cannot read the sample: its numbers are compared with the slow path's.
 * @param base the body's position in the view's memory.
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
  // Longer encodings of a length do not match.
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
