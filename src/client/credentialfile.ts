/** A mounted token, certificate, key or CA bundle, followed through rotation. */
import type { Clock } from '../clock.ts';
import type { TrustLog } from '../tls/trustbundle.ts';
import { watchFile, type WatchedFile } from '../watchedfile.ts';

/** Soon enough: a rotated ServiceAccount token stays valid for minutes. */
const maxAgeMs = 10_000;

export interface CredentialFileOptions {
  /** E.g. `the ServiceAccount token`. */
  readonly what: string;
  readonly path: string;
  readonly remedy: string;
  readonly clock: Clock;
  /** Default: trimmed text, which must not be empty. */
  readonly parse?: ((text: string) => string) | undefined;
  readonly log?: TrustLog | undefined;
}

/** Returns a file whose `read` is at most ten seconds old. */
export function watchCredentialFile({ log, parse = nonEmpty, ...options }: CredentialFileOptions): WatchedFile<string> {
  const onProblem = (err: Error) =>
    log?.warn(
      { code: 'CredentialFileUnusable', err },
      'a credential file cannot be used; its last good content is used',
    );
  return watchFile({ ...options, parse, maxAgeMs, onProblem });
}

function nonEmpty(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '') throw new Error('the file is empty');
  return trimmed;
}
