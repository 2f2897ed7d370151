/** Keeps a self-signed serving certificate in a folder: reused after a restart, renewed before it expires. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import path from 'node:path';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import { othersMayRead, othersMayWrite, readOwnFile } from '../ownfile.ts';
import { certificateFile, openCertDir } from './certdir.ts';
import { isCertificateName } from './certificatewriter.ts';
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
  const wanted = [...new Set([...usualNames, hostname().toLowerCase(), ...names])].filter(isCertificateName);
  const certPath = path.join(certDir, certificateFile);
  const keyPath = path.join(certDir, 'kubegauge.key');
  const folder = await openCertDir({ certDir, log, otherwise: 'keeps the serving certificate in memory only' });

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

  async function readStored(): Promise<KeyPair | undefined> {
    if (!folder.isUsable()) return undefined;
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
    const pair = createSelfSigned(wanted, clock.wallMs());
    await folder.write([
      [keyPath, pair.key],
      [certPath, pair.cert],
    ]);
    log.info({ names: wanted, folder: folder.isUsable() ? certDir : 'none' }, 'made a self-signed serving certificate');
    return pair;
  }
}

function covers(certificate: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
}

/** More than any certificate or key has. */
const sizeLimitBytes = 64 * 1024;
