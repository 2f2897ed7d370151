/** How many names a query takes before it is too long for an engine, and what an engine's refusal of a longer one means. */
import { PromqlError } from '../promql/promqlerror.ts';
import type { QueryStyle } from '../rules/matchers.ts';
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

const urlTooLong = 414;
/** Statuses of a request that a proxy in front of an engine finds too long. */
const tooLong: ReadonlySet<number | undefined> = new Set([413, urlTooLong]);
/** Statuses of refusals for any reason: those for the length are known by their words. */
const refused: ReadonlySet<number | undefined> = new Set([400, 422]);
const lengthWords = /too (?:long|large)|maxQueryLen/i;

/** Reports whether an engine, or a proxy in front of it, refused a query for its length. */
export function isTooLong(error: unknown): error is PromqlError {
  if (!(error instanceof PromqlError) || error.problem !== 'refused') return false;
  return tooLong.has(error.code) || (refused.has(error.code) && lengthWords.test(error.message));
}

/**
 * Returns the error, with the limit and the remedy behind the engine's words if it refused a query for its length.
 * @param style as-adapter cuts no query, and makes no POST of a long GET.
 */
export function explainLength(error: unknown, query: string, style: QueryStyle): unknown {
  if (!isTooLong(error)) return error;
  const { problem, code, message } = error;
  const bytes = Buffer.byteLength(query);
  const isOfUrl = style === 'as-adapter' && code === urlTooLong;
  if (bytes <= queryBytesLimit && !isOfUrl) return error;
  const limit = isOfUrl ? 'in the URL of a GET' : `and VictoriaMetrics takes ${queryBytesLimit} (-search.maxQueryLen)`;
  return new PromqlError(problem, `${message}; the query has ${bytes} bytes, ${limit}: ${remedies[style]}`, {
    cause: error,
    ...(code !== undefined && { code }),
  });
}

const manyObjects = 'docs/custom-metrics-rules.md#many-objects';
const remedies: Readonly<Record<QueryStyle, string>> = {
  exact: `shorten the queries of the rule (${manyObjects}), or raise the limit`,
  'as-adapter': `leave out --prometheus-queries=as-adapter, which cuts no query and makes no POST of a long GET (${manyObjects}), or raise the limit`,
};
