/** Takes errors to another thread with all that explanations are made of: structured clones lack an error's code and most names. */
import { describeError } from '../../../logging.ts';

/** A value, or what was thrown in its place. */
export type ClonedResult<T> = { readonly value: T } | { readonly error: ClonedError };

export interface ClonedError {
  readonly name: string;
  readonly message: string;
  /** As OpenSSL, Node and undici tell errors apart. */
  readonly code: string | undefined;
  readonly cause: ClonedError | undefined;
}

export async function cloneResult<T>(of: () => T | Promise<T>): Promise<ClonedResult<T>> {
  try {
    return { value: await of() };
  } catch (error) {
    return { error: cloneError(error) };
  }
}

/** The value, or throws what was thrown in its place. */
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

/** Deeper chains of causes are a loop or noise. */
const causeDepthLimit = 6;
