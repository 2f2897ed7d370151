/** How `kubegauge rules check` sends a query, and what it reports of the answer. */
import { neverAborted } from '../abort.ts';
import { milliOf } from '../metricsource/milli.ts';
import type { PromqlSample, QueryAnswer } from '../promql/answer.ts';
import type { PromqlClient } from '../promql/client.ts';
import type { Flow } from '../promql/flow.ts';
import { hasNoAnswer, PromqlError } from '../promql/promqlerror.ts';
import type { AskedError, AskedValue } from './rulestext.ts';

/** Objects of a metric, or of a query of resourceRules, whose values are reported. */
export const objectLimit = 5;

/** There is one caller. */
const flow: Flow = { lane: 'users', key: '' };

/** Rejects as PromqlClient.query. @param subject the rule. */
export function sendQuery(client: PromqlClient, query: string, subject: string): Promise<QueryAnswer> {
  return client.query({ query, subject, flow }, neverAborted);
}

/** @throws the error itself if it is not of an engine. */
export function errorOf(error: unknown): AskedError {
  if (!(error instanceof PromqlError)) throw error;
  return { message: error.message, isUnavailable: hasNoAnswer(error) };
}

/** Returns the error of a rule or query whose engine is not among those that are asked. */
export function unknownEngine({ source = '' }: { readonly source: string | undefined }): AskedError {
  const message = `no --prometheus-url has the name ${source}; write --prometheus-url=${source}=<url>`;
  return { message, isUnavailable: false };
}

/** Returns the sample as the API would serve it. */
export function valueOf(object: string, { value, problem }: PromqlSample): AskedValue {
  if (value === undefined) return { object, value, problem };
  return milliOf(value) === undefined ? { object, value: undefined, problem: String(value) } : { object, value };
}
