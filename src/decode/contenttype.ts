/** Chooses a response's reader. */
import { DelimitedReader, type DelimitedReaderOptions } from '../exposition/protobufreader.ts';
import type { SampleSink } from '../exposition/sample.ts';
import type { SeriesMatcher } from '../exposition/seriesmatcher.ts';
import { TextReader } from '../exposition/textreader.ts';

/** A reader of either format. */
export type ExpositionReader = Pick<DelimitedReader, 'write' | 'end' | 'hasEnough'>;

/** OpenMetrics and undelimited protobuf are unknown. */
export type Format = 'text' | 'delimited' | 'unknown';

/** Returns a Content-Type's format. */
export function formatOf(contentType: string): Format {
  const [type, ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase());
  if (type === 'text/plain') return 'text';
  const isDelimited = type === 'application/vnd.google.protobuf' && parameters.includes('encoding=delimited');
  return isDelimited ? 'delimited' : 'unknown';
}

/** Returns a reader of one body. */
export function openReader(
  format: Exclude<Format, 'unknown'>,
  families: readonly string[],
  sink: SampleSink,
  options: DelimitedReaderOptions & { readonly matcher?: SeriesMatcher | undefined },
): ExpositionReader {
  if (format === 'delimited') return new DelimitedReader(families, sink, options);
  // Only protobuf's series are matched by position.
  options.matcher?.beginBody();
  options.matcher?.addUnmatchable();
  return new TextReader(families, sink, options.skipped);
}
