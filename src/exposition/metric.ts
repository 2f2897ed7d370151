/**
 * Reads one io.prometheus.client.Metric message: its last numbers (fast path), or all (slow path).
 * https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
 */
import type { Sample } from './sample.ts';
import { type Cursor, wireType } from './wire.ts';

const field = { label: 1, gauge: 2, counter: 3, untyped: 5, timestampMs: 6 } as const;
const labelField = { name: 1, value: 2 } as const;
const valueField = 1;

/** The message's end: value (tag, length, tag, 8 bytes) and time (tag, 6 bytes). */
export const numberBytes = { valueBytes: 11, doubleBytes: 8, timeBytes: 7 } as const;
const { valueBytes, doubleBytes, timeBytes } = numberBytes;

/** Single constants: the fast path has to fit into V8's inlining budget. */
const gaugeTag = 0x12;
const counterTag = 0x1a;
const untypedTag = 0x2a;
/** Lowest byte first: the time's tag, and three bytes that others follow. */
const timeHead = 0x80_80_80_30 | 0;
const timeHeadMask = 0x80_80_80_ff | 0;
/** Lowest byte first: a length of nine bytes, a double's tag. */
const doubleHead = 0x09_09_00;

/**
 * Fast path: reads the numbers before `stop`. Returns false unless they are a double and, if timed, a time of six bytes
 * (1971 to 2109). Positions are recorded only if the slow path reads the same (`sampleposition.ts`).
 */
export function readTrailingValue(view: DataView, stop: number, isTimed: boolean, sample: Sample): boolean {
  const valueStop = isTimed ? stop - timeBytes : stop;
  if (!isValueHead(view.getInt32(valueStop - valueBytes, true))) return false;
  sample.value = view.getFloat64(valueStop - doubleBytes, true);
  sample.timestampMs = Number.NaN;
  if (!isTimed) return true;
  const first = view.getInt32(valueStop, true);
  const last = view.getInt32(stop - 4, true);
  if (!isTime(first, last)) return false;
  sample.timestampMs = timeOf(first, last);
  return true;
}

/** Reports whether four bytes begin a gauge, counter or untyped value. */
export function isValueHead(four: number): boolean {
  const kind = four & 0xff;
  return (four & 0xff_ff_00) === doubleHead && (kind === counterTag || kind === gaugeTag || kind === untypedTag);
}

/**
 * Reports whether a time's seven bytes, given as its first and its last four, are a time's tag and six bytes. All but
 * the last have the highest bit set.
 */
export function isTime(first: number, last: number): boolean {
  return (first & timeHeadMask) === timeHead && (last & 0x80_80_80_80) === 0x80_80_80;
}

/** Returns the time: seven bits of each byte behind the tag, the lowest first. */
export function timeOf(first: number, last: number): number {
  return sevenBits(last) * 0x20_0000 + sevenBits(first);
}

/** Returns the lower seven bits of each of the upper three bytes. */
function sevenBits(four: number): number {
  return ((four >>> 8) & 0x7f) | ((four >>> 9) & (0x7f << 7)) | ((four >>> 10) & (0x7f << 14));
}

/** Slow path: reads the message into the sample. @throws ExpositionError */
export function readMetric(cursor: Cursor, end: number, sample: Sample): void {
  const start = cursor.at;
  let hasValue = false;
  while (cursor.at < end) {
    const number = cursor.tag(end);
    if (cursor.type === wireType.length && number === field.label) {
      readLabel(cursor, cursor.length(end), sample);
    } else if (
      cursor.type === wireType.length &&
      (number === field.gauge || number === field.counter || number === field.untyped)
    ) {
      sample.value = readValue(cursor, cursor.length(end));
      hasValue = true;
    } else if (cursor.type === wireType.varint && number === field.timestampMs) {
      sample.timestampMs = cursor.varint(end);
    } else {
      cursor.skip(end);
    }
  }
  if (!hasValue) throw cursor.error('a metric that is no gauge, counter or untyped value', start);
}

function readLabel(cursor: Cursor, end: number, sample: Sample): void {
  let nameStart = cursor.at;
  let nameEnd = cursor.at;
  let valueStart = cursor.at;
  let valueEnd = cursor.at;
  while (cursor.at < end) {
    const number = cursor.tag(end);
    if (cursor.type !== wireType.length || (number !== labelField.name && number !== labelField.value)) {
      cursor.skip(end);
      continue;
    }
    const textEnd = cursor.length(end);
    if (number === labelField.name) {
      nameStart = cursor.at;
      nameEnd = textEnd;
    } else {
      valueStart = cursor.at;
      valueEnd = textEnd;
    }
    cursor.at = textEnd;
  }
  sample.addLabel(nameStart, nameEnd, valueStart, valueEnd, false);
}

/** Gauge, Counter and Untyped are the same on the wire; zero without a value. */
function readValue(cursor: Cursor, end: number): number {
  let value = 0;
  while (cursor.at < end) {
    const number = cursor.tag(end);
    if (number !== valueField || cursor.type !== wireType.fixed64) {
      cursor.skip(end);
      continue;
    }
    value = cursor.body.readDoubleLE(cursor.fixed(8, end));
  }
  return value;
}
