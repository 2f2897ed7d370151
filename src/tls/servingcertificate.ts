/** Provides the serving certificate: from files that are renewed elsewhere, or self-signed. */
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import { openCertificateFolder } from './certificatefolder.ts';
import { certificateOf, type KeyPair, type KeyPairSource } from './keypair.ts';
import { watchFile, type WatchedFile } from '../watchedfile.ts';
import { poll } from './poll.ts';

export interface ServingOptions {
  /** PEM files: both or none. Empty is none. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** For a self-signed certificate; empty keeps it in memory. */
  readonly certDir: string;
  /** Beside a cluster's usual names. */
  readonly names: readonly string[];
  readonly log: Logger;
  readonly clock: Clock;
}

export interface ServingCertificate extends Disposable {
  current(): KeyPair;
  /** Calls the listener with each new pair. */
  onChange(listener: (pair: KeyPair) => void): void;
}

/** @throws Error for unusable files. */
export async function createServingCertificate(options: ServingOptions): Promise<ServingCertificate> {
  const { certFile = '', keyFile = '', log, clock } = options;
  if ((certFile === '') !== (keyFile === '')) {
    throw new Error(
      'a serving certificate needs two files: give --tls-cert-file and --tls-private-key-file, or neither',
    );
  }
  const source = certFile === '' ? await openCertificateFolder(options) : openFiles(certFile, keyFile, options);
  let current = source.first;
  const listeners: ((pair: KeyPair) => void)[] = [];
  const stopped = new AbortController();
  const onProblem = (error: unknown) =>
    log.warn({ err: error }, 'the new serving certificate cannot be used; serves the previous one');
  void poll(look, { intervalMs: source.intervalMs, clock, onProblem }, stopped.signal);

  return {
    current: () => current,
    onChange: (listener) => void listeners.push(listener),
    [Symbol.dispose]: () => stopped.abort(),
  };

  async function look(): Promise<void> {
    const next = await source.next();
    if (next === undefined || stopped.signal.aborted) return;
    // A listener that rejects the pair throws; then the current one stays.
    for (const listener of listeners) listener(next);
    current = next;
  }
}

const filesIntervalMs = 30_000;

function openFiles(certFile: string, keyFile: string, { log, clock }: ServingOptions): KeyPairSource {
  const [certificates, keys] = [certFile, keyFile].map((path) =>
    watchFile({
      path,
      what: '',
      remedy: 'is the Secret mounted, and may this user read it?',
      parse: (text) => text,
      maxAgeMs: Infinity,
    }),
  ) as [WatchedFile<string>, WatchedFile<string>];
  let current = read();
  check(current);
  return { first: current, intervalMs: filesIntervalMs, next: async () => next() };

  function read(): KeyPair {
    certificates.reload();
    keys.reload();
    return { cert: certificates.read(), key: keys.read() };
  }

  function next(): KeyPair | undefined {
    const found = read();
    if (found.cert === current.cert && found.key === current.key) return undefined;
    check(found);
    current = found;
    return found;
  }

  function check(pair: KeyPair): void {
    const { subject, validToDate } = certificateOf(pair, certFile, keyFile);
    const facts = { file: certFile, subject, until: validToDate.toISOString() };
    if (validToDate.getTime() > clock.wallMs()) log.info(facts, 'loaded the serving certificate');
    else log.warn(facts, 'loaded a serving certificate that has expired; clients will refuse it');
  }
}
