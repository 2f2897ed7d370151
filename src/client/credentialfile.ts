/** A mounted token, certificate, key or CA bundle, followed while it is rotated. */
import type { Clock } from '../clock.ts';
import type { TrustLog } from '../tls/trustbundle.ts';
import { watchFile, type WatchedFile } from '../watchedfile.ts';

/** A rotated ServiceAccount token stays valid for minutes, so this is soon enough, in milliseconds. */
const maxAgeMs = 10_000;

export interface CredentialFileOptions {
  /** E.g. `the ServiceAccount token`. */
  readonly what: string;
  readonly path: string;
  /** For an operator. */
  readonly remedy: string;
  readonly clock: Clock;
  /** Default: the text without spaces around it, which must not be empty. */
  readonly parse?: ((text: string) => string) | undefined;
  readonly log?: TrustLog | undefined;
}

/** `read` returns text that is at most ten seconds old. */
export function watchCredentialFile({ log, parse = nonEmpty, ...options }: CredentialFileOptions): WatchedFile<string> {
  const onProblem = (err: Error) =>
    log?.warn({ err }, 'a credential file cannot be used; its last good content is used');
  return watchFile({ ...options, parse, maxAgeMs, onProblem });
}

function nonEmpty(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '') throw new Error('the file is empty');
  return trimmed;
}
