/**
 * Answers whose samples move on, of any node: encoded once, and for each request only times, values and the node's tag are written anew, so that a fleet of
 * thousands costs the machine little time and hardly any memory. Counters grow, gauges change, and what has no time stays.
 */
import { formatFloat } from '../fakes/exposition.ts';

/** The answer of the node with this tag as of so many milliseconds after it was encoded; holds until the next call. */
export type Moving = (elapsedMs: number, tag: string) => Buffer;

/**
 * @param body delimited protobuf as from encodeDelimited, which is trusted.
 * @param encodedTag of the node whose answer it is.
 */
export function movingDelimited(body: Buffer, encodedTag: string): Moving {
  const tagsAt = [...placesOf(body, encodedTag)];
  const samples = [...samplesOf(body)].map((at) => ({
    ...at,
    value: body.readDoubleLE(at.valueAt),
    timestampMs: readVarint(body, at.timestampAt).value,
  }));
  return (elapsedMs, tag) => {
    for (const at of tagsAt) body.write(tag, at, 'latin1');
    for (const { valueAt, timestampAt, isCounter, value, timestampMs } of samples) {
      body.writeDoubleLE(movedValue(value, isCounter, elapsedMs), valueAt);
      writeVarint(body, timestampAt, timestampMs + elapsedMs);
    }
    return body;
  };
}

/**
 * @param body as from encodeText.
 * @param encodedTag of the node whose answer it is.
 */
export function movingText(body: Buffer, encodedTag: string): Moving {
  const lines = body
    .toString()
    .split('\n')
    .map((line) => /^(?<series>.* )(?<value>\S+) (?<timestampMs>\d{13})$/.exec(line)?.groups ?? line);
  return (elapsedMs, tag) => {
    const moved = lines.map((line) => {
      if (typeof line === 'string') return line;
      const { series = '', value, timestampMs } = line;
      const isCounter = /^\w+_total\b/.test(series);
      return `${series}${formatFloat(movedValue(Number(value), isCounter, elapsedMs))} ${Number(timestampMs) + elapsedMs}`;
    });
    return Buffer.from(moved.join('\n').replaceAll(encodedTag, tag));
  };
}

function* placesOf(body: Buffer, text: string): Generator<number> {
  for (let at = body.indexOf(text); at >= 0; at = body.indexOf(text, at + text.length)) yield at;
}

/** Gauges of 0 stay: a node whose containers use swap is requested another family, half of a response more. */
function movedValue(value: number, isCounter: boolean, elapsedMs: number): number {
  if (value === 0 && !isCounter) return 0;
  return isCounter ? value + elapsedMs / 8192 : value + 4096 * (Math.trunc(elapsedMs / 1000) % 1009);
}

interface Spots {
  readonly valueAt: number;
  readonly timestampAt: number;
  readonly isCounter: boolean;
}

const familyMetric = (4 << 3) | 2;
const metricCounter = (3 << 3) | 2;
const metricGauge = (2 << 3) | 2;
const metricTimestampMs = 6 << 3;

/** Yields the places of all metrics that have a time. */
function* samplesOf(body: Buffer): Generator<Spots> {
  for (let at = 0; at < body.length; ) {
    const { value: length, end: start } = readVarint(body, at);
    at = start + length;
    for (const metric of fieldsOf(body, start, at)) {
      if (metric.tag !== familyMetric) continue;
      const fields = [...fieldsOf(body, metric.start, metric.end)];
      const value = fields.find(({ tag }) => tag === metricCounter || tag === metricGauge);
      const time = fields.find(({ tag }) => tag === metricTimestampMs);
      if (value === undefined || time === undefined) continue;
      // The double stands behind its own tag.
      yield { valueAt: value.start + 1, timestampAt: time.start, isCounter: value.tag === metricCounter };
    }
  }
}

interface Field {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

/** Yields the fields of a message that has numbers and lengths only, as families and metrics do. */
function* fieldsOf(body: Buffer, from: number, to: number): Generator<Field> {
  for (let at = from; at < to; ) {
    const { value: tag, end: behindTag } = readVarint(body, at);
    const { value, end } = readVarint(body, behindTag);
    const field = (tag & 7) === 2 ? { tag, start: end, end: end + value } : { tag, start: behindTag, end };
    yield field;
    at = field.end;
  }
}

function readVarint(body: Buffer, at: number): { readonly value: number; readonly end: number } {
  let value = 0;
  let scale = 1;
  for (let end = at; ; end += 1) {
    const byte = body[end] ?? 0;
    value += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte < 128) return { value, end: end + 1 };
  }
}

/** Into the place of one of the same length: times of this century take six bytes. */
function writeVarint(body: Buffer, at: number, value: number): void {
  let rest = value;
  for (let next = at; ; next += 1) {
    body[next] = rest < 128 ? rest : (rest % 128) | 0x80;
    if (rest < 128) return;
    rest = Math.floor(rest / 128);
  }
}
