/** Takes errors to another thread with all that explanations are made of: structured clones lack an error's code and most names. */
import { describeError } from '../../../logging.ts';

/** A value, or what was thrown in its place. */
export type Carried<T> = { readonly value: T } | { readonly error: CarriedError };

export interface CarriedError {
  readonly name: string;
  readonly message: string;
  /** As OpenSSL, Node and undici tell errors apart. */
  readonly code: string | undefined;
  readonly cause: CarriedError | undefined;
}

export async function carried<T>(of: () => T | Promise<T>): Promise<Carried<T>> {
  try {
    return { value: await of() };
  } catch (error) {
    return { error: carriedError(error) };
  }
}

/** The value, or throws what was thrown in its place. */
export function unpack<T>(of: Carried<T>): T {
  if ('error' in of) throw toError(of.error);
  return of.value;
}

export function carriedError(error: unknown, depth = 0): CarriedError {
  if (!(error instanceof Error))
    return { name: 'Error', message: describeError(error), code: undefined, cause: undefined };
  const { name, message, cause } = error;
  const { code } = error as { readonly code?: unknown };
  return {
    name,
    message,
    code: typeof code === 'string' ? code : undefined,
    cause: cause === undefined || depth === causeDepthLimit ? undefined : carriedError(cause, depth + 1),
  };
}

export function toError({ name, message, code, cause }: CarriedError): Error {
  const error = new Error(message, cause === undefined ? {} : { cause: toError(cause) });
  error.name = name;
  return code === undefined ? error : Object.assign(error, { code });
}

/** Deeper chains of causes are a loop or noise. */
const causeDepthLimit = 6;
