/** The 404 for a metric, in the words of custom-metrics-apiserver. */
import type { StatusCause } from '../apimachinery/meta.ts';
import { excerpt } from '../apimachinery/quote.ts';
import { StatusError } from '../apimachinery/status.ts';

export interface MetricNotFoundOptions {
  /** The named object; absent for lists, and where the metric itself is unknown. */
  readonly name?: string;
  readonly causes?: readonly StatusCause[] | undefined;
  /** Appended to the message, which is all that the autoscaler's condition shows. */
  readonly pending?: string | undefined;
  /** For the log. */
  readonly cause?: Error;
}

/** Returns the error. @param resource as the client wrote it; empty for external metrics, whose message ends in a space. */
export function metricNotFound(
  metric: string,
  resource: string,
  { name, causes = [], pending, cause }: MetricNotFoundOptions = {},
): StatusError {
  const object = name === undefined ? '' : ` ${excerpt(name)}`;
  const message = `the server could not find the metric ${excerpt(metric)} for ${excerpt(resource)}${object}`;
  return new StatusError('NotFound', pending === undefined ? message : `${message}: ${pending}`, {
    ...(cause === undefined ? {} : { cause }),
    ...(causes.length === 0 ? {} : { details: { causes } }),
  });
}

/** Returns a reason as causes; none for undefined. */
export function causesOf(message: string | undefined): readonly StatusCause[] {
  return message === undefined ? [] : [{ message }];
}
