/** Clones results and errors for another thread: structured clones of errors lack the code and most names. */
import { describeError } from '../../../logging.ts';

/** A value, or the error that was thrown instead. */
export type ClonedResult<T> = { readonly value: T } | { readonly error: ClonedError };

export interface ClonedError {
  readonly name: string;
  readonly message: string;
  /** As set by OpenSSL, Node and undici. */
  readonly code: string | undefined;
  readonly cause: ClonedError | undefined;
}

/** A loop or noise beyond. */
const causeDepthLimit = 6;

export async function cloneResult<T>(of: () => T | Promise<T>): Promise<ClonedResult<T>> {
  try {
    return { value: await of() };
  } catch (error) {
    return { error: cloneError(error) };
  }
}

/** Returns the value, or throws the error. */
export function unwrap<T>(of: ClonedResult<T>): T {
  if ('error' in of) throw toError(of.error);
  return of.value;
}

export function cloneError(error: unknown, depth = 0): ClonedError {
  if (!(error instanceof Error))
    return { name: 'Error', message: describeError(error), code: undefined, cause: undefined };
  const { name, message, cause } = error;
  const { code } = error as { readonly code?: unknown };
  return {
    name,
    message,
    code: typeof code === 'string' ? code : undefined,
    cause: cause === undefined || depth === causeDepthLimit ? undefined : cloneError(cause, depth + 1),
  };
}

export function toError({ name, message, code, cause }: ClonedError): Error {
  const error = new Error(message, cause === undefined ? {} : { cause: toError(cause) });
  error.name = name;
  return code === undefined ? error : Object.assign(error, { code });
}
