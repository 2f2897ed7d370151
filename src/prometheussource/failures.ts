/** Errors for clients of a metric that an engine did not answer. */
import { StatusError } from '../apimachinery/status.ts';
import type { GroupResource } from '../apimachinery/status.ts';
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

/** A rule that cannot make a query is as if the metric did not exist. */
export function noQuery({ group, resource }: GroupResource, metric: string, error: QueryError): StatusError {
  const named = group === '' ? resource : `${resource}.${group}`;
  return new StatusError('NotFound', `the server could not find the metric ${metric} for ${named}`, {
    cause: error,
    details: { causes: [{ message: error.message }] },
  });
}
