/** Reads the JSON of a PromQL engine's answer into samples or series. */
import { field, items, text, textMap } from '../client/json.ts';
import type { Labels } from '../apimachinery/labels.ts';
import { foreignText } from '../foreigntext.ts';

/** One sample of an instant vector, or a scalar. */
export interface PromqlSample {
  readonly labels: Labels;
  /** Since the epoch, as the engine reports it. */
  readonly timestampMs: number;
  /** May be NaN or infinite. Undefined if the engine sent no number. */
  readonly value: number | undefined;
  /** Why there is no number: `a native histogram`, `null`, `not a number`. */
  readonly problem: string | undefined;
}

export type ResultType = 'vector' | 'scalar' | 'matrix' | 'string';

export interface QueryAnswer {
  readonly type: ResultType;
  /** None for matrix and string. */
  readonly samples: readonly PromqlSample[];
  /** There only if the engine sent null instead of samples. */
  readonly isNull?: true;
  readonly notes: AnswerNotes;
}

/** A query's answer as an engine sent it. */
export interface SentAnswer extends QueryAnswer {
  /** Length of its body. */
  readonly bytes: number;
}

/** Remarks of an engine on an answer that it sends nevertheless. */
export interface AnswerNotes {
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  /** Reports whether stores were missing: VictoriaMetrics' and Thanos's field `isPartial`. */
  readonly isPartial: boolean;
}

/**
 * Returns why samples or series may be missing; undefined for a whole answer. Thanos and storages behind Prometheus say it
 * by warnings; those that begin with PromQL are about the query.
 */
export function incompleteness({ warnings, isPartial }: AnswerNotes): string | undefined {
  const causes = warnings.filter((warning) => !warning.startsWith('PromQL '));
  if (causes.length > 0) return `the last answer may be incomplete: ${causes.join('; ')}`;
  return isPartial ? 'the last answer is partial: the engine did not reach all of its stores' : undefined;
}

/** The answer is JSON, but none that an engine sends. */
export class MalformedAnswerError extends Error {
  override readonly name = 'MalformedAnswerError';
}

/** Notes of each kind; more explain no answer better. */
const noteLimit = 10;
/** Characters of one; it gets into the log. */
const noteLengthLimit = 300;

export function readNotes(envelope: unknown): AnswerNotes {
  return {
    warnings: notesIn(envelope, 'warnings'),
    infos: notesIn(envelope, 'infos'),
    isPartial: field(envelope, 'isPartial') === true,
  };
}

function notesIn(envelope: unknown, name: string): readonly string[] {
  return items(field(envelope, name))
    .filter((note) => typeof note === 'string')
    .slice(0, noteLimit)
    .map((note) => foreignText(note, { limit: noteLengthLimit }));
}

/** An element of a result: the sample of a vector, or what a scalar has: its time, then its value. */
export type QueryElement = { readonly samples: readonly PromqlSample[] } | { readonly scalar: unknown };

/**
 * Reads one element while the answer arrives: all samples of a long one at once would hold the event loop.
 * @throws MalformedAnswerError for what no result has.
 */
export function readQueryElement(element: unknown): QueryElement {
  if (typeof element === 'number' || typeof element === 'string') return { scalar: element };
  return { samples: readVectorElement(element) };
}

/**
 * @param envelope with an empty list in place of the elements.
 * @throws MalformedAnswerError for another status, an unknown result type, or a result that is not of its type: as one
 * without samples it would drop the last values.
 */
export function readQueryAnswer(envelope: unknown, elements: readonly QueryElement[]): QueryAnswer {
  checkStatus(envelope);
  const data = field(envelope, 'data');
  const type = text(field(data, 'resultType'));
  const notes = readNotes(envelope);
  if (type === 'vector' || type === 'scalar') {
    const result = field(data, 'result');
    if (result === null) return { type, samples: [], isNull: true, notes };
    checkList(result, 'samples');
    return { type, samples: type === 'vector' ? vectorOf(elements) : [scalarOf(elements)], notes };
  }
  if (type === 'matrix' || type === 'string') return { type, samples: [], notes };
  throw new MalformedAnswerError(
    `its resultType is ${type === undefined ? 'missing' : JSON.stringify(type.slice(0, 40))}`,
  );
}

/** @throws MalformedAnswerError unless the engine reports success and sent a list, which may be empty. */
export function checkSeriesEnvelope(envelope: unknown): void {
  checkStatus(envelope);
  checkList(field(envelope, 'data'), 'series');
}

/** Elements that are left in the list were not recognised: its key has an escape. */
function checkList(list: unknown, what: string): void {
  if (!Array.isArray(list) || list.length > 0) throw new MalformedAnswerError(`it has no list of ${what}`);
}

function vectorOf(elements: readonly QueryElement[]): readonly PromqlSample[] {
  return elements.flatMap((each) => {
    if ('samples' in each) return each.samples;
    throw new MalformedAnswerError('its vector has a number or text in place of a sample');
  });
}

function scalarOf(elements: readonly QueryElement[]): PromqlSample {
  const pair = elements.map((each) => ('scalar' in each ? each.scalar : undefined));
  if (pair.length !== 2 || pair.includes(undefined)) {
    throw new MalformedAnswerError('its scalar is not a time and a number');
  }
  return readValue(new Map(), pair);
}

function checkStatus(envelope: unknown): void {
  const status = text(field(envelope, 'status'));
  if (status !== 'success') throw new MalformedAnswerError('its status is not "success"');
}

/** Returns none for null, which some engines send in place of a sample. */
function readVectorElement(element: unknown): readonly PromqlSample[] {
  if (element === null) return [];
  if (typeof element !== 'object' || Array.isArray(element)) {
    throw new MalformedAnswerError('an element of its result is not a sample');
  }
  const labels = textMap(field(element, 'metric'));
  const histogram = items(field(element, 'histogram'));
  if (field(element, 'value') === undefined && histogram.length > 0) {
    return [{ labels, timestampMs: timeOf(histogram[0]) ?? 0, value: undefined, problem: 'a native histogram' }];
  }
  return [readValue(labels, items(field(element, 'value')))];
}

function readValue(labels: Labels, pair: readonly unknown[]): PromqlSample {
  const [time, written] = pair;
  const timestampMs = timeOf(time);
  const value = typeof written === 'string' ? numberOf(written) : undefined;
  if (timestampMs === undefined || value === undefined) {
    const problem = written === null || written === undefined ? 'null' : 'not a number';
    return { labels, timestampMs: timestampMs ?? 0, value: undefined, problem };
  }
  return { labels, timestampMs, value, problem: undefined };
}

const msPerSecond = 1_000;
/** The first and the last second in RFC 3339: of year 1, which is Go's zero time, and of year 9999. */
const earliestSeconds = -62_135_596_800;
const latestSeconds = 253_402_300_799;

function timeOf(seconds: unknown): number | undefined {
  if (typeof seconds !== 'number' || seconds < earliestSeconds || seconds > latestSeconds) return undefined;
  return Math.round(seconds * msPerSecond);
}

/** As Go's strconv writes and engines send them: 1.5, 1e+16, NaN, +Inf, -Inf. */
function numberOf(written: string): number | undefined {
  if (written === 'NaN') return Number.NaN;
  if (written === '+Inf' || written === 'Inf') return Infinity;
  if (written === '-Inf') return -Infinity;
  return /^[-+]?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:[eE][-+]?[0-9]{1,3})?$/.test(written) ? Number(written) : undefined;
}

/** As JSON.parse reads them: a million Maps would take seconds. Values are not checked. */
export type SeriesLabels = Readonly<Record<string, unknown>>;

/** Returns the labels of one series. @throws MalformedAnswerError for anything but an object. */
export function readSeriesElement(element: unknown): SeriesLabels {
  if (typeof element !== 'object' || element === null || Array.isArray(element)) {
    throw new MalformedAnswerError('a series is not an object of labels');
  }
  return element as SeriesLabels;
}
