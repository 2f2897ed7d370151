/**
 * Checks a snapshot's fields: a valid checksum must neither bring malformed ones into the storage nor impossible
 * numbers into the API.
 */
import { canBeId, latestMs, valueLimit } from '../sample/point.ts';
import { gauges } from '../sample/quantities.ts';
import { type SamplePair, stampMs } from './samplepair.ts';
import { isPossible, mostCores } from './samplerules.ts';

/** Throws an Error with the field's name. */
type FieldCheck = (value: unknown, field: string) => void;

/** Year 0, the first of RFC 3339; milliseconds since the epoch. */
const earliestMs = -62_167_219_200_000;
/** Thirty days in milliseconds, for windows and ages. */
export const longestMs = 30 * 86_400_000;

const time = number(earliestMs, latestMs);
const age = number(0, longestMs);
/** Negative for what came after the writing began. */
const signedAge = number(-longestMs, longestMs);
const seconds = number(0, valueLimit);
const bytes = number(0, valueLimit);
/** JSON has null for NaN. */
const sampleBytes: FieldCheck = (value, field) => (value === null ? undefined : bytes(value, field));
const yes = oneOf(true);
const gaugeChecks = Object.fromEntries(gauges.map(({ field }) => [field, optional(bytes)]));
const point = {
  timestampMs: time,
  cpuSeconds: seconds,
  memoryBytes: sampleBytes,
  ...gaugeChecks,
  rawTimestampMs: optional(time),
  isUntimed: optional(yes),
};
const containerPoint = { ...point, name: text, containerId: text, startTimeMs: optional(time) };
const usage = {
  timestampMs: time,
  windowMs: number(1, longestMs),
  cpuNanocores: number(0, mostCores * 1e9),
  memoryBytes: bytes,
  ...gaugeChecks,
};
const containerUsages = list(object({ ...usage, name: text }));
const podUsage = { timestampMs: time, windowMs: usage.windowMs, containers: containerUsages };
const reason = oneOf('never-scraped', 'one-sample', 'restarted', 'stale', 'other-uid');

const lastUsageOf = (what: FieldCheck) => object({ reason, last: optional(object({ usage: what, ageMs: age })) });

const pod = object({
  name: (value, field) => {
    text(value, field);
    if (String(value).split('/').length !== 2) fail(field, 'no namespace/name');
  },
  uid: optional(text),
  isVerified: optional(yes),
  lastUsage: lastUsageOf(object(podUsage)),
  containers: (value, field) => {
    list(pair(containerPoint))(value, field);
    const names = new Set(
      (value as readonly { readonly last: { readonly name: string } }[]).map(({ last }) => last.name),
    );
    if (names.size !== (value as readonly unknown[]).length) fail(field, 'a container twice');
  },
  absent: optional(list(object({ name: text, ageMs: age }))),
});

const clock = object({
  reading: optional(
    object({
      earliestMs: optional(time),
      latestMs: optional(time),
      newestSampleMs: optional(time),
      sentAgeMs: signedAge,
      receivedAgeMs: signedAge,
    }),
  ),
  steppedAgeMs: optional(age),
  startsAfterMs: optional(time),
});

const node = object({
  node: text,
  uid: optional(text),
  source: oneOf('cadvisor', 'resource'),
  machine: optional(pair(point)),
  hasSwap: boolean,
  lastUsage: lastUsageOf(object(usage)),
  spacingMs: number(0, longestMs),
  storedAgeMs: age,
  clock: optional(clock),
  pods: list(pod),
});

/** Reports whether a time can be read from a snapshot. */
export function isPossibleTime(ms: number): boolean {
  return ms >= earliestMs && ms <= latestMs;
}

/** @throws Error with the field's name. */
export function checkSavedNode(value: unknown): void {
  node(value, 'node');
}

function pair(of: Readonly<Record<string, FieldCheck>>): FieldCheck {
  // The previous sample, or a container's start.
  const base = object({
    timestampMs: time,
    cpuSeconds: seconds,
    memoryBytes: optional(sampleBytes),
    ...gaugeChecks,
    rawTimestampMs: optional(time),
    isUntimed: optional(yes),
    name: optional(text),
    containerId: optional(text),
    startTimeMs: optional(time),
  });
  return (value, field) => {
    object({
      last: object(of),
      base: (each, name) =>
        typeof each === 'string' ? oneOf('one-sample', 'restarted')(each, name) : base(each, name),
      rival: optional(object(of)),
      lacksValue: optional(yes),
      isBeforeStep: optional(yes),
    })(value, field);
    const { last, base: from } = value as Pick<SamplePair, 'last' | 'base'>;
    if (typeof from === 'string') return;
    const windowMs = stampMs(last) - stampMs(from);
    // Their usage must be possible.
    number(1, longestMs)(windowMs, `${field}'s window`);
    const usedSeconds = last.cpuSeconds - from.cpuSeconds;
    if (!isPossible(usedSeconds, windowMs, { mostCores })) fail(`${field}'s rate`, 'more than any node can use');
  };
}

/** Rejects unknown fields: nothing unchecked is read. */
function object(fields: Readonly<Record<string, FieldCheck>>): FieldCheck {
  return (value, field) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) fail(field, 'no object');
    for (const name of Object.keys(value)) if (!Object.hasOwn(fields, name)) fail(field, 'an unknown field');
    for (const [name, check] of Object.entries(fields)) {
      check((value as Readonly<Record<string, unknown>>)[name], `${field}.${name}`);
    }
  };
}

function list(check: FieldCheck): FieldCheck {
  return (value, field) => {
    if (!Array.isArray(value)) fail(field, 'no list');
    for (const [index, each] of (value as readonly unknown[]).entries()) check(each, `${field}[${index}]`);
  };
}

function optional(check: FieldCheck): FieldCheck {
  return (value, field) => (value === undefined ? undefined : check(value, field));
}

function oneOf(...values: readonly unknown[]): FieldCheck {
  return (value, field) => {
    if (!values.includes(value)) fail(field, 'an unknown word');
  };
}

function number(least: number, most: number): FieldCheck {
  return (value, field) => {
    if (typeof value !== 'number' || !(value >= least && value <= most))
      fail(field, `no number from ${least} to ${most}`);
  };
}

function boolean(value: unknown, field: string): void {
  if (typeof value !== 'boolean') fail(field, 'neither true nor false');
}

function text(value: unknown, field: string): void {
  if (typeof value !== 'string' || !canBeId(value)) fail(field, 'no short text');
}

function fail(field: string, what: string): never {
  throw new Error(`${field} has ${what}`);
}
