/**
 * Reads one io.prometheus.client.Metric message into a sample.
 * The schema: https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
 */
import type { Sample } from './sample.ts';
import { type Cursor, wireType } from './wire.ts';

/** Field numbers of the messages that are read; everything else is skipped. */
const field = { label: 1, gauge: 2, counter: 3, untyped: 5, timestampMs: 6 } as const;
const labelField = { name: 1, value: 2 } as const;
const valueField = 1;

/** @param cursor at the message's first byte; is left at its end. */
export function readMetric(cursor: Cursor, end: number, sample: Sample): void {
  const start = cursor.at;
  let valued = false;
  while (cursor.at < end) {
    const number = cursor.tag(end);
    if (cursor.type === wireType.length && number === field.label) {
      readLabel(cursor, cursor.length(end), sample);
    } else if (
      cursor.type === wireType.length &&
      (number === field.gauge || number === field.counter || number === field.untyped)
    ) {
      sample.value = readValue(cursor, cursor.length(end));
      valued = true;
    } else if (cursor.type === wireType.varint && number === field.timestampMs) {
      sample.timestampMs = cursor.varint(end);
    } else {
      cursor.skip(end);
    }
  }
  if (!valued) throw cursor.error('a metric that is no gauge, counter or untyped value', start);
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

/** Gauge, Counter and Untyped are the same on the wire; a message without its value means zero. */
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
