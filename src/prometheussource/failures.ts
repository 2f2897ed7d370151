/** Errors for clients of a metric that an engine did not answer. */
import { fullName, type GroupResource, StatusError } from '../apimachinery/status.ts';
import { causesOf, metricNotFound } from '../metricsource/metricnotfound.ts';
import { PromqlError } from '../promql/promqlerror.ts';
import { QueryError } from '../rules/queries.ts';

const unable = 'unable to fetch metrics';

/** Uses prometheus-adapter's words; the second cause is the reason. Returns other errors as they are. */
export function fetchFailure(error: unknown): unknown {
  if (error instanceof QueryError) return unableToFetch(error.message, error);
  if (!(error instanceof PromqlError)) return error;
  if (error.problem !== 'late') return unableToFetch(error.message, error);
  return new StatusError('Timeout', 'Timeout: request did not complete within the allotted timeout', {
    cause: error,
    details: { causes: [{ message: error.message }] },
  });
}

export function unableToFetch(why: string, cause?: unknown): StatusError {
  return new StatusError('InternalError', `Internal error occurred: ${unable}`, {
    cause,
    details: { causes: [{ message: unable }, { message: why }] },
  });
}

/** Returns the error of a rule that cannot make a query: as if the metric did not exist. */
export function noQuery(resource: GroupResource, metric: string, error: QueryError): StatusError {
  return metricNotFound(metric, fullName(resource), { causes: causesOf(error.message), cause: error });
}
