/** Reads one body by two passes: the decoder of the scraped quantities, and that of wanted series. */
import type { DecodeResult, Decoding } from '../../decode/bodydecoding.ts';
import type { Decoder } from '../../decode/decoder.ts';
import type { AnswerTime } from '../../decode/sampletime.ts';
import { type SeriesDecoder, type SeriesReading, type SeriesResult } from '../../decode/series/seriesdecoder.ts';
import type { ResponseBodyReader } from '../../kubelet/http/body.ts';
import { readingBudget } from '../../kubelet/http/readingbudget.ts';
import { familiesOf, type WantedColumns } from '../../sample/seriescolumns.ts';

/** One body of status 200. */
export interface BodyReadings {
  readonly reader: ResponseBodyReader;
  /** In one turn, unless the body is long. The first result is undefined for an unknown content type. */
  finish(time: AnswerTime): BodyResults | Promise<BodyResults>;
}

export type BodyResults = readonly [decoded: DecodeResult | undefined, series: SeriesResult | undefined];

/** Starts a body. Without wanted series it is the decoder's alone. */
export function beginReadings(
  decoder: Decoder,
  seriesDecoder: SeriesDecoder | undefined,
  { contentType, brief, wanted }: { contentType: string; brief: boolean; wanted: WantedColumns },
): BodyReadings {
  if (wanted.length === 0) return readings(decoder.begin(contentType, brief), undefined);
  const decoding = decoder.begin(contentType, brief, familiesOf(wanted));
  return readings(decoding, seriesDecoder?.begin(contentType, wanted));
}

function readings(decoding: Decoding | undefined, series: SeriesReading | undefined): BodyReadings {
  return {
    reader: readerOf(decoding, series),
    finish(time) {
      if (decoding?.isLong !== true) return [decoding?.finish(time), series?.finish(time)];
      return readingBudget.run(decoding.finishing(time)).then((decoded) => [decoded, series?.finish(time)]);
    },
  };
}

function readerOf(decoding: Decoding | undefined, series: SeriesReading | undefined): ResponseBodyReader {
  if (decoding === undefined) return unread;
  return series === undefined ? decoding : readBoth(decoding, series);
}

/** Passes a body to both until neither needs more of it. */
function readBoth(decoding: Decoding, series: SeriesReading): ResponseBodyReader {
  let isDecoded = false;
  let isRead = false;
  return {
    write(chunk) {
      isDecoded ||= !decoding.write(chunk);
      isRead ||= !series.write(chunk);
      return !isDecoded || !isRead;
    },
  };
}

const unread: ResponseBodyReader = { write: () => false };
