/**
 * Provides the certificate that clients see: from files that are renewed by another program, in a pod a leaf of its own
 * root, otherwise self-signed; the last two are renewed here.
 */
import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import { openCertificateFolder } from './certificatefolder.ts';
import { certificateOf, type KeyPair, type KeyPairSource } from './keypair.ts';
import { watchFile, type WatchedFile } from '../watchedfile.ts';
import { openPodCertificate, type PodCertificateOptions } from './podcertificate.ts';
import type { PodRoot } from './podroot.ts';
import { poll } from './poll.ts';
import { checkGoAccepts, validityProblem } from './servingrules.ts';
import { parseCertificates } from './trustbundle.ts';

export interface ServingOptions {
  /** PEM files: both or none. Empty is none. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** For a self-signed certificate; empty keeps it in memory. */
  readonly certDir: string;
  /** DNS names and IP addresses beside the usual ones of a server in a cluster; not in a pod. */
  readonly names: readonly string[];
  /** In a pod; undefined elsewhere. */
  readonly pod?: ServingPod | undefined;
  /** The name that kube-apiserver verifies, `<svc>.<ns>.svc`, where it is known. A file without it gives a warning. */
  readonly verifiedName?: string | undefined;
  readonly log: Logger;
  readonly clock: Clock;
}

export type ServingPod = Pick<PodCertificateOptions, 'owner' | 'names' | 'lifeMs'>;

export interface ServingCertificate extends Disposable {
  /** The root of this pod's certificates; undefined outside of a pod and with files. */
  readonly root: PodRoot | undefined;
  current(): KeyPair;
  /** Calls the listener with each new pair. */
  onChange(listener: (pair: KeyPair) => void): void;
}

/** @throws Error for files that cannot be used, and for a pod that cannot be. A self-signed certificate never fails. */
export async function createServingCertificate(options: ServingOptions): Promise<ServingCertificate> {
  const { certFile = '', keyFile = '', log, clock } = options;
  if ((certFile === '') !== (keyFile === '')) {
    throw new Error(
      'a serving certificate needs two files: give --tls-cert-file and --tls-private-key-file, or neither',
    );
  }
  const { source, root } = await sourceOf(options, certFile, keyFile);
  let current = source.first;
  const listeners: ((pair: KeyPair) => void)[] = [];
  const stopped = new AbortController();
  const onProblem = (error: unknown) =>
    log.warn(
      { code: 'ServingCertificateNotRenewed', err: error },
      'the new serving certificate cannot be used; serves the previous one',
    );
  void poll(look, { intervalMs: source.intervalMs, clock, onProblem }, stopped.signal);

  return {
    root,
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

interface OpenedSource {
  readonly source: KeyPairSource;
  readonly root: PodRoot | undefined;
}

async function sourceOf(options: ServingOptions, certFile: string, keyFile: string): Promise<OpenedSource> {
  if (certFile !== '') return { source: openFiles(certFile, keyFile, options), root: undefined };
  const { pod, certDir, log, clock } = options;
  if (pod === undefined) return { source: await openCertificateFolder(options), root: undefined };
  const source = await openPodCertificate({ ...pod, certDir, log, clock });
  return { source, root: source.root };
}

const filesIntervalMs = 30_000;

function openFiles(certFile: string, keyFile: string, { log, clock, verifiedName }: ServingOptions): KeyPairSource {
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
  let currentLeaf = check(current);
  report(currentLeaf);
  return { first: current, intervalMs: filesIntervalMs, next: async () => next() };

  function read(): KeyPair {
    certificates.reload();
    keys.reload();
    return { cert: certificates.read(), key: keys.read() };
  }

  function next(): KeyPair | undefined {
    const found = read();
    if (found.cert === current.cert && found.key === current.key) return undefined;
    const leaf = check(found);
    const problem = validityProblem(leaf, clock.wallMs());
    // A pair from the start has to do although it has expired: clients that do not verify it still connect.
    if (problem !== undefined && validityProblem(currentLeaf, clock.wallMs()) === undefined) {
      throw new Error(`the certificate in ${certFile} ${problem}, unlike the previous one`);
    }
    [current, currentLeaf] = [found, leaf];
    report(leaf);
    return found;
  }

  function check(pair: KeyPair): X509Certificate {
    const leaf = certificateOf(pair, certFile, keyFile);
    checkGoAccepts(parseCertificates(pair.cert, certFile), certFile);
    return leaf;
  }

  function report(leaf: X509Certificate): void {
    const { subject, validToDate } = leaf;
    const facts = { file: certFile, subject, until: validToDate.toISOString() };
    const problem = validityProblem(leaf, clock.wallMs());
    if (problem === undefined) log.info(facts, 'loaded the serving certificate');
    else {
      const message = `loaded a serving certificate that ${problem}; clients will refuse it`;
      log.warn({ code: 'ServingCertificateNotValid', ...facts }, message);
    }
    const hasName = verifiedName === undefined || leaf.checkHost(verifiedName, goNames) !== undefined;
    if (!hasName) {
      log.warn(
        { code: 'ServingCertificateName', ...facts, name: verifiedName },
        'the serving certificate lacks the name by which kube-apiserver verifies it; issue one with this name',
      );
    }
  }
}

/** As Go matches host names: no common names, and a wildcard is a whole label. */
const goNames = { subject: 'never', partialWildcards: false } as const;
