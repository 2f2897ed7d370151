/** Where usages of nodes were scraped, as the newest points of the server's history say it. */
import type { Clock } from '../clock.ts';
import type { HistoryReader, SourceOf } from './historyreader.ts';
import { shared } from './shared.ts';

export interface SourceReader {
  /** Reads the sources anew where they are old. The first call waits for them only if the view does; a failure leaves them unknown. */
  refresh(): Promise<void>;
  readonly of: SourceOf;
}

const unknownSource: SourceOf = () => undefined;

/** @param waits as of createRequestSums. */
export function createSourceReader(
  history: Pick<HistoryReader, 'sources'>,
  clock: Clock,
  waits: boolean,
): SourceReader {
  let last: SourceOf = unknownSource;
  // There is a new point in a minute.
  const read = shared(() => history.sources(), { clock, leastMs: 15_000, mostMs: 60_000 });
  return {
    async refresh() {
      const reading = read().then(
        (sourceOf) => void (last = sourceOf),
        () => void (last = unknownSource),
      );
      if (waits) await reading;
    },
    of: (node) => last(node),
  };
}
