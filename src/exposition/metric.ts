/**
 * Reads one io.prometheus.client.Metric message in two ways: the numbers that Go's encoder writes at its end (fast path), or all of it (slow path).
 * The schema: https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
 */
import type { Sample } from './sample.ts';
import { type Cursor, wireType } from './wire.ts';

const field = { label: 1, gauge: 2, counter: 3, untyped: 5, timestampMs: 6 } as const;
const labelField = { name: 1, value: 2 } as const;
const valueField = 1;

/** Bytes of the value at the end of the message (tag, length, tag, 8 bytes), and of the time behind it (tag, 6 bytes). */
export const valueBytes = 11;
export const timeBytes = 7;
const doubleBytes = 8;

/** Tags. Constants of their own: the fast path has to fit into V8's inlining budget. */
const gaugeTag = 0x12;
const counterTag = 0x1a;
const untypedTag = 0x2a;
const timestampTag = 0x30;
/** Behind the value's tag: a length of nine bytes, the tag of a double. The first byte is the lowest. */
const doubleHead = 0x09_09_00;

/**
 * Fast path: reads the numbers that end at `stop`. Returns false unless they are a double and, if timed, a time of six bytes (1971 to 2109). The slow path reads the same: a
 * position is recorded only then (`sampleposition.ts`). The results are fields, as V8 may allocate an object for a double that a function returns.
 */
export function readTrailingValue(view: DataView, stop: number, isTimed: boolean, sample: Sample): boolean {
  const valueStop = isTimed ? stop - timeBytes : stop;
  const head = view.getInt32(valueStop - valueBytes, true);
  const kind = head & 0xff;
  if ((head & 0xff_ff_00) !== doubleHead || (kind !== counterTag && kind !== gaugeTag && kind !== untypedTag)) {
    return false;
  }
  sample.value = view.getFloat64(valueStop - doubleBytes, true);
  if (isTimed) return readTrailingTime(view, stop, sample);
  sample.timestampMs = Number.NaN;
  return true;
}

/** Reads a varint of six bytes: seven bits in each, the lowest first; all but the last have the highest bit set. */
function readTrailingTime(view: DataView, stop: number, sample: Sample): boolean {
  const four = view.getInt32(stop - 6, true);
  const two = view.getUint16(stop - 2, true);
  if (view.getUint8(stop - timeBytes) !== timestampTag) return false;
  if ((four & 0x80_80_80_80) !== (0x80_80_80_80 | 0) || (two & 0x80_80) !== 0x80) return false;
  const low =
    (four & 0x7f) | ((four >>> 1) & (0x7f << 7)) | ((four >>> 2) & (0x7f << 14)) | ((four >>> 3) & (0x7f << 21));
  sample.timestampMs = ((two & 0x7f) | ((two >>> 1) & (0x7f << 7))) * 0x1000_0000 + low;
  return true;
}

/**
 * Slow path: reads all of the message into the sample.
 * @param cursor at the message's first byte; is left at its end.
 * @throws ExpositionError
 */
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

/** Gauge, Counter and Untyped are the same on the wire. Without a value they are zero. */
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
