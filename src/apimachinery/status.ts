/** API errors: a reason, its HTTP code, and the Status body that clients decode. */
import type { Status, StatusCause, StatusDetails } from './meta.ts';
import { excerpt, quote } from './quote.ts';

/** Reasons of metav1.StatusReason; of those with equal codes, the usual one first. */
const httpCode = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  Conflict: 409,
  AlreadyExists: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const satisfies Readonly<Record<string, number>>;

export type StatusReason = keyof typeof httpCode;

/** Returns the usual reason of a code. */
export function reasonOf(code: number): StatusReason | undefined {
  return (Object.keys(httpCode) as StatusReason[]).find((reason) => httpCode[reason] === code);
}

export interface StatusErrorOptions extends ErrorOptions {
  /** Absent and empty differ on the wire: BadRequest has none, MethodNotAllowed has `{}`. */
  readonly details?: StatusDetails;
  /** Given where it is not the reason's: another server's response, or a code without a reason. */
  readonly code?: number;
}

/** An error for a client. The cause is only for our log. */
export class StatusError extends Error {
  readonly reason: StatusReason;
  readonly code: number;
  readonly details: StatusDetails | undefined;

  constructor(reason: StatusReason, message: string, options: StatusErrorOptions = {}) {
    super(message, options);
    this.name = 'StatusError';
    this.reason = reason;
    this.code = options.code ?? httpCode[reason];
    this.details = options.details;
  }

  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      reason: this.reason,
      details: this.details && writeDetails(this.details),
      code: this.code,
    };
  }
}

/** The core group is the empty string. */
export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

export function badRequest(message: string, options?: ErrorOptions): StatusError {
  return new StatusError('BadRequest', message, options);
}

/** Returns the error for a long URL. HTTP has a code for it, Kubernetes no reason. */
export function uriTooLong(bytes: number, limitBytes: number): StatusError {
  const message = `the URL has ${bytes} bytes: use at most ${limitBytes}, for example by shorter selectors`;
  return new StatusError('RequestEntityTooLarge', message, { details: {}, code: 414 });
}

/** Reports invalid credentials; only the log has the reason. */
export function unauthorized(options?: ErrorOptions): StatusError {
  return new StatusError('Unauthorized', 'Unauthorized', options);
}

/**
 * @param resource undefined for a path that is not a resource.
 * @param name empty for a list.
 * @param why a message such as `User "alice" cannot list ...`.
 */
export function forbidden(resource: GroupResource | undefined, name: string, why: string): StatusError {
  if (resource === undefined) return new StatusError('Forbidden', `forbidden: ${why}`, { details: {} });
  const subject = name === '' ? qualify(resource) : `${qualify(resource)} ${quote(name)}`;
  return new StatusError('Forbidden', `${subject} is forbidden: ${why}`, { details: detailsOf(resource, name) });
}

export function notFound(resource: GroupResource, name: string, causes?: readonly StatusCause[]): StatusError {
  const message = `${qualify(resource)} ${quote(name)} not found`;
  return new StatusError('NotFound', message, { details: { ...detailsOf(resource, name), ...(causes && { causes }) } });
}

/** Reports a path below our API that is no resource. */
export function unknownResource(): StatusError {
  return new StatusError('NotFound', 'the server could not find the requested resource', { details: {} });
}

export function methodNotAllowed(): StatusError {
  const message = 'the server does not allow this method on the requested resource';
  return new StatusError('MethodNotAllowed', message, { details: {} });
}

export function watchNotSupported(resource: GroupResource): StatusError {
  const message = `watch is not supported on resources of kind ${quote(qualify(resource))}`;
  return new StatusError('MethodNotAllowed', message, { details: detailsOf(resource, '') });
}

/** Reports an Accept header without any of our media types. */
export function notAcceptable(mediaTypes: readonly string[]): StatusError {
  return new StatusError('NotAcceptable', `only the following media types are accepted: ${mediaTypes.join(', ')}`);
}

/** Words notAcceptable as the router that runs before, which knows neither wildcards nor parameters. */
export function noRepresentation(produces: readonly string[]): StatusError {
  const message = `406: Not Acceptable\n\nAvailable representations: ${produces.join(', ')}`;
  return new StatusError('NotAcceptable', message, { details: {} });
}

export function unsupportedMediaType(): StatusError {
  return new StatusError('UnsupportedMediaType', '415: Unsupported Media Type', { details: {} });
}

export interface FieldError {
  readonly field: string;
  readonly reason: 'FieldValueForbidden' | 'FieldValueNotSupported';
  readonly message: string;
}

/** Reports contradicting fields. @param kind with the group in the details. */
export function invalid(group: string, kind: string, errors: readonly FieldError[]): StatusError {
  const causes = errors.map(({ field, reason, message }): StatusCause => ({ reason, message, field }));
  const all = errors.map(({ field, message }) => `${field}: ${message}`).join(', ');
  const message = `${qualify({ group, resource: kind })} "" is invalid: ${errors.length === 1 ? all : `[${all}]`}`;
  return new StatusError('Invalid', message, { details: { group, kind, causes } });
}

/** Returns a temporary error; the Retry-After header has the seconds, too. */
export function serviceUnavailable(message: string, retryAfterSeconds: number): StatusError {
  return new StatusError('ServiceUnavailable', message, { details: { retryAfterSeconds } });
}

function qualify(of: GroupResource): string {
  return excerpt(fullName(of));
}

/** Returns the plural with its group, as in `deployments.apps`; the core group has none. */
export function fullName({ group, resource }: GroupResource): string {
  return group === '' ? resource : `${resource}.${group}`;
}

function detailsOf({ group, resource }: GroupResource, name: string): StatusDetails {
  return { name: excerpt(name), group: excerpt(group), kind: excerpt(resource) };
}

function writeDetails({ name, group, kind, causes, retryAfterSeconds }: StatusDetails): StatusDetails {
  return {
    name: name || undefined,
    group: group || undefined,
    kind: kind || undefined,
    causes: causes?.length ? causes.map(({ reason, message, field }) => ({ reason, message, field })) : undefined,
    retryAfterSeconds: retryAfterSeconds || undefined,
  };
}
