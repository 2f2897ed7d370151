/** How many names a query takes before it is too long for an engine. */
import { QueryError } from '../rules/queries.ts';
import { batchBytesLimit } from './namebatches.ts';

/** Bytes: VictoriaMetrics refuses longer queries (-search.maxQueryLen). */
export const queryBytesLimit = 16_384;

/** A template that leaves less than this to names is too long for VictoriaMetrics anyway; other engines take it. */
const leastNameBytes = 512;

/** Stand for names in a query that is only measured. Two of each, as a single name is written in another way. */
export const measuredNames: readonly string[] = ['kubegauge-measured-name-a', 'kubegauge-measured-name-b'];
export const measuredNamespaces: readonly string[] = ['kubegauge-measured-space-a', 'kubegauge-measured-space-b'];

/**
 * Returns the bytes of names, as `bytesOf` counts them, that one query may have: fewer where its template is long, or
 * writes the names several times.
 * @param make returns the query for `measuredNames`, of `measuredNamespaces` if it is for several. The limit is that of
 * short templates where it throws QueryError: the query itself fails with it then.
 */
export function nameBytesLimit(make: () => string): number {
  let query: string;
  try {
    query = make();
  } catch (error) {
    if (error instanceof QueryError) return batchBytesLimit;
    throw error;
  }
  let times = 1;
  let rest = query;
  for (const name of [...measuredNames, ...measuredNamespaces]) {
    times = Math.max(times, query.split(name).length - 1);
    rest = rest.replaceAll(name, '');
  }
  const room = Math.floor((queryBytesLimit - Buffer.byteLength(rest)) / times);
  return Math.max(leastNameBytes, Math.min(batchBytesLimit, room));
}
