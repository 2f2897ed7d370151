/**
 * Reads the wanted series of one kubelet's /metrics/cadvisor, in a pass beside the decoder's: neither slows the other's
 * fast path, and a fault in one does not fail the other.
 */
import { ExpositionError } from '../../exposition/sample.ts';
import type { Borrowed } from '../../sample/borrowed.ts';
import { areSameColumns, familiesOf, type SeriesBatch, type WantedColumns } from '../../sample/seriescolumns.ts';
import { type ExpositionReader, formatOf, openReader } from '../contenttype.ts';
import { AnswerTooLongError } from '../limits.ts';
import type { AnswerTime } from '../sampletime.ts';
import { KnownSeries } from './knownseries.ts';
import { type KnownBody, SeriesCollector } from './seriescollector.ts';

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
  /** The previous body; undefined after one that was not read whole. */
  let known: KnownBody | undefined;
  /** The last of the wanted families, in alphabetical order, if the previous body had it. */
  let lastFamily: string | undefined;
  return {
    begin(contentType, wanted) {
      const format = formatOf(contentType);
      if (format === 'unknown') return undefined;
      const families = familiesOf(wanted);
      const collector = new SeriesCollector(
        known !== undefined && areSameColumns(known.columns, wanted) ? known : nothingKnown(wanted),
      );
      known = undefined;
      // Gather sorts families by name: nothing wanted comes behind the last one.
      const last = families.toSorted().at(-1)!;
      const lastIndex = families.indexOf(last);
      const reader = openReader(format, families, collector, { until: lastFamily === last ? [lastIndex] : undefined });
      return new BodyReading(reader, collector, (now) => {
        known = now;
        lastFamily = collector.hasFamily(lastIndex) ? last : undefined;
      });
    },
  };
}

function nothingKnown(columns: WantedColumns): KnownBody {
  return { columns, series: new KnownSeries(columns.length), cgroups: [] };
}

class BodyReading implements SeriesReading {
  readonly #reader: ExpositionReader;
  readonly #collector: SeriesCollector;
  readonly #onEnd: (known: KnownBody) => void;
  #refused: string | undefined;

  constructor(reader: ExpositionReader, collector: SeriesCollector, onEnd: (known: KnownBody) => void) {
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
    const { batch, known } = this.#collector.end(time);
    this.#onEnd(known);
    return { kind: 'series', batch };
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
