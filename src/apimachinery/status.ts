/** API errors: a reason, the HTTP code that follows from it, and the Status body that clients decode. */
import type { Status, StatusCause, StatusDetails } from './meta.ts';
import { excerpt, quote } from './quote.ts';

/** Every reason of metav1.StatusReason that has a code of its own, and that code; of those with one code, the usual one first. */
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

/** The reason that a code stands for, the usual one where there are several; undefined for a code that stands for none. */
export function reasonOf(code: number): StatusReason | undefined {
  return (Object.keys(httpCode) as StatusReason[]).find((reason) => httpCode[reason] === code);
}

export interface StatusErrorOptions extends ErrorOptions {
  /** Absent and empty are two things on the wire: BadRequest has none, MethodNotAllowed has `{}`. */
  readonly details?: StatusDetails;
  /** Only where the code is not the reason's: another server's answer, or a code that has no reason. */
  readonly code?: number;
}

/** An answer to a client that is not what it asked for. The cause is for our own log and never sent. */
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

  /** The body, its keys in the order of Kubernetes' structs. */
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

/** A resource and its API group; the core group is the empty string. */
export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

/** Nobody can tell what the client means; the message says what is wrong with it. */
export function badRequest(message: string, options?: ErrorOptions): StatusError {
  return new StatusError('BadRequest', message, options);
}

/** Returns the refusal of a URL of so many bytes. HTTP has a code for it, Kubernetes has no reason. */
export function uriTooLong(bytes: number, limitBytes: number): StatusError {
  const message = `the URL has ${bytes} bytes: use at most ${limitBytes}, for example by shorter selectors`;
  return new StatusError('RequestEntityTooLarge', message, { details: {}, code: 414 });
}

/** Credentials were sent and are not valid; why is nobody's business but the log's. */
export function unauthorized(options?: ErrorOptions): StatusError {
  return new StatusError('Unauthorized', 'Unauthorized', options);
}

/**
 * The client is known and may not do this.
 * @param resource undefined for a path that is not a resource.
 * @param name of the object, or the empty string for a list.
 * @param why a sentence such as `User "alice" cannot list ...`.
 */
export function forbidden(resource: GroupResource | undefined, name: string, why: string): StatusError {
  if (resource === undefined) return new StatusError('Forbidden', `forbidden: ${why}`, { details: {} });
  const subject = name === '' ? qualify(resource) : `${qualify(resource)} ${quote(name)}`;
  return new StatusError('Forbidden', `${subject} is forbidden: ${why}`, { details: detailsOf(resource, name) });
}

/**
 * There is no object of that name.
 * @param causes why, where more can be said than that.
 */
export function notFound(resource: GroupResource, name: string, causes?: readonly StatusCause[]): StatusError {
  const message = `${qualify(resource)} ${quote(name)} not found`;
  return new StatusError('NotFound', message, { details: { ...detailsOf(resource, name), ...(causes && { causes }) } });
}

/** The path leads to no resource of ours. */
export function unknownResource(): StatusError {
  return new StatusError('NotFound', 'the server could not find the requested resource', { details: {} });
}

/** The resource is there, but can only be read. */
export function methodNotAllowed(): StatusError {
  const message = 'the server does not allow this method on the requested resource';
  return new StatusError('MethodNotAllowed', message, { details: {} });
}

/** The resource is there, but cannot be watched. */
export function watchNotSupported(resource: GroupResource): StatusError {
  const message = `watch is not supported on resources of kind ${quote(qualify(resource))}`;
  return new StatusError('MethodNotAllowed', message, { details: detailsOf(resource, '') });
}

/** None of the client's media types is one of ours. */
export function notAcceptable(mediaTypes: readonly string[]): StatusError {
  return new StatusError('NotAcceptable', `only the following media types are accepted: ${mediaTypes.join(', ')}`);
}

/** As notAcceptable, in the words of the router that comes before: it knows neither wildcards nor parameters. */
export function noRepresentation(produces: readonly string[]): StatusError {
  const message = `406: Not Acceptable\n\nAvailable representations: ${produces.join(', ')}`;
  return new StatusError('NotAcceptable', message, { details: {} });
}

/** The request says that it has a body, and of a type that nobody reads here. */
export function unsupportedMediaType(): StatusError {
  return new StatusError('UnsupportedMediaType', '415: Unsupported Media Type', { details: {} });
}

/** One thing that is wrong with one field. */
export interface FieldError {
  readonly field: string;
  readonly reason: 'FieldValueForbidden' | 'FieldValueNotSupported';
  /** What is wrong with it. */
  readonly message: string;
}

/**
 * The object can be read, but contradicts itself.
 * @param kind the object's kind; group and kind are told in the details.
 */
export function invalid(group: string, kind: string, errors: readonly FieldError[]): StatusError {
  const causes = errors.map(({ field, reason, message }): StatusCause => ({ reason, message, field }));
  const all = errors.map(({ field, message }) => `${field}: ${message}`).join(', ');
  const message = `${qualify({ group, resource: kind })} "" is invalid: ${errors.length === 1 ? all : `[${all}]`}`;
  return new StatusError('Invalid', message, { details: { group, kind, causes } });
}

/** Not now, but soon: the client should ask again after so many seconds (also for the Retry-After header). */
export function serviceUnavailable(message: string, retryAfterSeconds: number): StatusError {
  return new StatusError('ServiceUnavailable', message, { details: { retryAfterSeconds } });
}

function qualify({ group, resource }: GroupResource): string {
  return excerpt(group === '' ? resource : `${resource}.${group}`);
}

function detailsOf({ group, resource }: GroupResource, name: string): StatusDetails {
  return { name: excerpt(name), group: excerpt(group), kind: excerpt(resource) };
}

/** Order and omissions of metav1.StatusDetails: what is empty or zero is left out. */
function writeDetails({ name, group, kind, causes, retryAfterSeconds }: StatusDetails): StatusDetails {
  return {
    name: name || undefined,
    group: group || undefined,
    kind: kind || undefined,
    causes: causes?.length ? causes.map(({ reason, message, field }) => ({ reason, message, field })) : undefined,
    retryAfterSeconds: retryAfterSeconds || undefined,
  };
}
