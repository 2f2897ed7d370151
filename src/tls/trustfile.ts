/** A flag's file of CA certificates. */
import { watchFile, type WatchedFile } from '../watchedfile.ts';
import { parseTrustBundle, type TrustBundle, type TrustLog } from './trustbundle.ts';

/**
 * Reads the file; later only `reload` does.
 * @throws Error when it cannot be read or holds no certificate.
 */
export function watchTrustFile(flag: string, path: string, log?: TrustLog): WatchedFile<TrustBundle> {
  const file = watchFile({
    path,
    what: flag,
    remedy: 'is it there, and may this user read it?',
    parse: (text) => parseTrustBundle(text, path, log),
    maxAgeMs: Infinity,
  });
  file.reload();
  return file;
}
