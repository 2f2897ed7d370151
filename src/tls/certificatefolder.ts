/** Keeps a self-signed serving certificate across restarts; renews it in time. */
import { randomBytes, type X509Certificate } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import path from 'node:path';
import type { Clock } from '../clock.ts';
import { describeError, type Logger } from '../logging.ts';
import { folderProblem, othersMayRead, othersMayWrite, readOwnFile } from '../ownfile.ts';
import { certificateOf, type KeyPair, type KeyPairSource } from './keypair.ts';
import { createSelfSigned } from './selfsigned.ts';

export interface FolderOptions {
  /** Empty keeps it in memory. */
  readonly certDir: string;
  readonly names: readonly string[];
  readonly log: Logger;
  readonly clock: Clock;
}

const dayMs = 24 * 60 * 60_000;
const renewalMs = 30 * dayMs;

/** Includes metrics-server's Service, which is taken over. */
const usualNames = [
  'localhost',
  'metrics-server.kube-system.svc',
  'metrics-server.kube-system.svc.cluster.local',
  '127.0.0.1',
  '::1',
];

/** Falls back to memory for an unusable folder. */
export async function openCertificateFolder({ certDir, names, log, clock }: FolderOptions): Promise<KeyPairSource> {
  const wanted = [...new Set([...usualNames, hostname().toLowerCase(), ...names])].filter(isName);
  const certPath = path.join(certDir, 'kubegauge.crt');
  const keyPath = path.join(certDir, 'kubegauge.key');
  let writable = certDir !== '' && (await isSafe());

  const stored = await readStored();
  const first = stored ?? (await renew());
  let expiresMs = certificateOf(first, certPath, keyPath).validToDate.getTime();
  return { first, intervalMs: dayMs, next };

  async function next(): Promise<KeyPair | undefined> {
    if (expiresMs - clock.wallMs() > renewalMs) return undefined;
    const pair = await renew();
    expiresMs = certificateOf(pair, certPath, keyPath).validToDate.getTime();
    return pair;
  }

  async function isSafe(): Promise<boolean> {
    const reason = await folderProblem(certDir).catch(describeError);
    if (reason === undefined) return true;
    log.warn({ folder: certDir, reason }, '--cert-dir cannot be used; keeps the serving certificate in memory only');
    return false;
  }

  async function readStored(): Promise<KeyPair | undefined> {
    if (!writable) return undefined;
    try {
      const pair = {
        cert: await readOwnFile(certPath, { forbiddenMode: othersMayWrite, sizeLimitBytes }),
        key: await readOwnFile(keyPath, { forbiddenMode: othersMayRead, sizeLimitBytes }),
      };
      const certificate = certificateOf(pair, certPath, keyPath);
      const leftMs = certificate.validToDate.getTime() - clock.wallMs();
      return leftMs > renewalMs && wanted.every((name) => covers(certificate, name)) ? pair : undefined;
    } catch (error) {
      log.debug({ err: error }, 'the serving certificate in --cert-dir cannot be used; makes a new one');
      return undefined;
    }
  }

  async function renew(): Promise<KeyPair> {
    const pair = await createSelfSigned(wanted, clock.wallMs());
    if (writable) await store(pair);
    log.info({ names: wanted, folder: writable ? certDir : 'none' }, 'made a self-signed serving certificate');
    return pair;
  }

  async function store({ cert, key }: KeyPair): Promise<void> {
    try {
      await mkdir(certDir, { recursive: true, mode: 0o700 });
      await replace(keyPath, key);
      await replace(certPath, cert);
    } catch (error) {
      writable = false;
      log.warn(
        { folder: certDir, err: error },
        'cannot write to --cert-dir; keeps the serving certificate in memory only',
      );
    }
  }
}

/** Certificates hold DNS names; host names can be anything. */
function isName(name: string): boolean {
  return isIP(name) !== 0 || /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/i.test(name);
}

function covers(certificate: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
}

/** More than any certificate or key has. */
const sizeLimitBytes = 64 * 1024;

/** Never writes to an existing file, such as a symbolic link. */
async function replace(file: string, content: string): Promise<void> {
  const next = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await using handle = await open(next, 'wx', 0o600);
    await handle.writeFile(content);
    await rename(next, file);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
}
