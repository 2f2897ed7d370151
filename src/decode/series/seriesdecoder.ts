/**
 * Reads the wanted series of one kubelet's /metrics/cadvisor, in a pass beside the decoder's: neither slows the other's
 * fast path, and a fault in one does not fail the other.
 */
import { ExpositionError } from '../../exposition/sample.ts';
import type { Borrowed } from '../../sample/borrowed.ts';
import { columnOf, type SeriesBatch, type WantedColumns } from '../../sample/seriescolumns.ts';
import { type ExpositionReader, formatOf, openReader } from '../contenttype.ts';
import { AnswerTooLongError } from '../limits.ts';
import type { AnswerTime } from '../sampletime.ts';
import { SeriesCollector } from './seriescollector.ts';

export type SeriesResult =
  | { readonly kind: 'series'; readonly batch: SeriesBatch }
  /** The body was not whole, or above a limit. */
  | { readonly kind: 'refused'; readonly reason: string };

/** One body while it arrives. */
export interface SeriesReading {
  /** Returns false if no more bytes are needed. */
  write(chunk: Borrowed<Buffer>): boolean;
  finish(time: AnswerTime): SeriesResult;
}

/** Reads the bodies of one node. */
export interface SeriesDecoder {
  /** Returns undefined for an unknown content type. */
  begin(contentType: string, wanted: WantedColumns): SeriesReading | undefined;
}

export function createSeriesDecoder(): SeriesDecoder {
  /** The last of the wanted families that the previous body had. */
  let lastFamily: string | undefined;
  return {
    begin(contentType, wanted) {
      const format = formatOf(contentType);
      if (format === 'unknown') return undefined;
      const families = familiesOf(wanted);
      const collector = new SeriesCollector(wanted);
      // Families come in alphabetical order, as Gather sorts them: nothing wanted comes behind the last of them.
      const last = families.toSorted().at(-1)!;
      const until = lastFamily === last ? [families.indexOf(last)] : undefined;
      const seen = new Set<number>();
      const sink = {
        visit(sample: Parameters<SeriesCollector['visit']>[0]) {
          seen.add(sample.family);
          return collector.visit(sample);
        },
        add: () => collector.add(),
        needsValue: () => true,
      };
      const reader = openReader(format, families, sink, { until });
      return new BodyReading(reader, collector, () => {
        lastFamily = seen.has(families.indexOf(last)) ? last : undefined;
      });
    },
  };
}

/** Returns the families of columns, in their order. */
export function familiesOf(wanted: WantedColumns): readonly string[] {
  return wanted.map((name) => columnOf(name).family);
}

class BodyReading implements SeriesReading {
  readonly #reader: ExpositionReader;
  readonly #collector: SeriesCollector;
  readonly #onEnd: () => void;
  #refused: string | undefined;

  constructor(reader: ExpositionReader, collector: SeriesCollector, onEnd: () => void) {
    this.#reader = reader;
    this.#collector = collector;
    this.#onEnd = onEnd;
  }

  write(chunk: Borrowed<Buffer>): boolean {
    if (this.#refused === undefined) this.#guard(() => this.#reader.write(chunk));
    return this.#refused === undefined && !this.#reader.hasEnough;
  }

  finish(time: AnswerTime): SeriesResult {
    if (this.#refused === undefined) this.#guard(() => this.#reader.end());
    if (this.#refused !== undefined) return { kind: 'refused', reason: this.#refused };
    this.#onEnd();
    return { kind: 'series', batch: this.#collector.batch(time) };
  }

  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (!(error instanceof AnswerTooLongError) && !(error instanceof ExpositionError)) throw error;
      this.#refused = error.message;
    }
  }
}
