/** Reads the bodies of successful answers, element by element while they arrive. */
import type { Readable } from 'node:stream';
import {
  type AnswerNotes,
  checkSeriesEnvelope,
  type QueryElement,
  readNotes,
  readQueryAnswer,
  readQueryElement,
  readSeriesElement,
  type SentAnswer,
  type SeriesLabels,
} from './answer.ts';
import type { AnswerLimits } from './answerlimits.ts';
import { readElements } from './answerreader.ts';
import { KnownElements } from './knownelements.ts';

/** Collects series; each try has its own. */
export interface SeriesFold<T> {
  /** The only label whose value counts: `add` gets no series that differs from an earlier one in other values only. Undefined if all count. */
  readonly onlyValue?: string;
  add(labels: SeriesLabels): void;
  result(): T;
}

export interface SeriesAnswer<T> {
  readonly result: T;
  readonly series: number;
  readonly notes: AnswerNotes;
}

/** @throws Error as `readElements` and `readQueryAnswer`. */
export async function readQueryBody(body: Readable, limits: AnswerLimits): Promise<SentAnswer> {
  const elements: QueryElement[] = [];
  const { envelope, bytes } = await readElements(body, {
    path: ['data', 'result'],
    limits,
    onElement: (element) => elements.push(readQueryElement(element)),
  });
  return { ...readQueryAnswer(envelope, elements), bytes };
}

/** @throws Error as `readElements` and `checkSeriesEnvelope`. */
export async function readSeriesBody<T>(
  body: Readable,
  limits: AnswerLimits,
  fold: SeriesFold<T>,
): Promise<SeriesAnswer<T>> {
  const { envelope, elements } = await readElements(body, {
    path: ['data'],
    limits,
    onElement: (element) => fold.add(readSeriesElement(element)),
    known: fold.onlyValue === undefined ? undefined : new KnownElements(fold.onlyValue),
  });
  checkSeriesEnvelope(envelope);
  return { result: fold.result(), series: elements, notes: readNotes(envelope) };
}
