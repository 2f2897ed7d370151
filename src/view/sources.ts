/** Where usages of nodes were scraped, as the newest points of the server's history say it. */
import type { Clock } from '../clock.ts';
import type { HistoryReader, SourceOf } from './historyreader.ts';
import { shared } from './shared.ts';

export interface SourceReader {
  /**
   * Reads the sources anew where they are old. While some are missing, the call waits for them a moment; where the view
   * does, the first one waits until they are read. A failure leaves them unknown.
   */
  refresh(): Promise<void>;
  readonly of: SourceOf;
  /** Takes the nodes that have a usage: while one of them has no source, sources are read again sooner, some times. */
  expect(nodes: Iterable<string>): void;
}

const unknownSource: SourceOf = () => undefined;

/** Milliseconds between two readings: there is a new point in a minute. */
const leastMs = 15_000;
const mostMs = 60_000;
/** While a source is missing, as after a start of the server or a change of the source; `leastMs` where a reading is slow. */
const soonMs = 4_000;
/** Such readings in a row: the next point comes within a minute. */
const soonLimit = 15;
/** Milliseconds that a view waits for missing sources: two round trips to a server that is near. */
const waitMs = 100;

/** @param waits as of createRequestSums. */
export function createSourceReader(
  history: Pick<HistoryReader, 'sources'>,
  clock: Clock,
  waits: boolean,
): SourceReader {
  let last: SourceOf = unknownSource;
  let isLacking = true;
  let soonReadings = 0;
  const isSoon = () => isLacking && soonReadings < soonLimit;
  const read = shared(
    () => {
      soonReadings = isLacking ? soonReadings + 1 : 0;
      return history.sources();
    },
    { clock, leastMs: () => (isSoon() ? soonMs : leastMs), mostMs: () => (isSoon() ? leastMs : mostMs) },
  );
  return {
    async refresh() {
      const reading = read().then(
        (sourceOf) => void (last = sourceOf),
        () => void (last = unknownSource),
      );
      if (waits) await reading;
      else if (isLacking) await atMost(reading, clock);
    },
    of: (node) => last(node),
    expect(nodes) {
      isLacking = [...nodes].some((node) => last(node) === undefined);
    },
  };
}

/** Waits for a promise that does not reject, `waitMs` at most. */
async function atMost(promise: Promise<void>, clock: Clock): Promise<void> {
  const stop = new AbortController();
  const late = clock.sleep(waitMs, stop.signal).catch(() => undefined);
  await Promise.race([promise, late]);
  stop.abort();
}
