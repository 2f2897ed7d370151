/** Serves leaf certificates of this pod's root, renews them, and writes the root's certificate to --cert-dir. */
import path from 'node:path';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import { certificateFile, openCertDir } from './certdir.ts';
import type { KeyPair, KeyPairSource } from './keypair.ts';
import { isDue, issueLeaf, type Leaf, leafLifeMs } from './leaf.ts';
import { createPodRoot, type PodRoot, type RootOwner } from './podroot.ts';

export interface PodCertificateOptions {
  readonly owner: RootOwner;
  /** Returns DNS names and IP addresses, the first also the common name: a pod can get further addresses. */
  readonly names: () => readonly string[];
  /** Empty keeps the root's certificate in memory; then `kubegauge status` cannot verify this server. */
  readonly certDir: string;
  /** Life of a leaf, in milliseconds. */
  readonly lifeMs?: number;
  readonly log: Logger;
  readonly clock: Clock;
}

export interface PodCertificate extends KeyPairSource {
  readonly root: PodRoot;
}

/** Longest time after which a step of the clock is noticed. */
const intervalLimitMs = 60_000;
/** Looks per life of a leaf, so that a short-lived one is renewed in time. */
const looksPerLife = 24;

/**
 * Makes the root and the first leaf.
 * @throws Error for an owner that no pod can be, or without a usable name.
 */
export async function openPodCertificate(options: PodCertificateOptions): Promise<PodCertificate> {
  const { owner, certDir, lifeMs = leafLifeMs, log, clock } = options;
  const root = createPodRoot(owner);
  const folder = await openCertDir({ certDir, log, otherwise: 'kubegauge status cannot verify this server' });
  await folder.write([[path.join(certDir, certificateFile), root.pem]]);
  let leaf = issue();
  return {
    root,
    first: leaf.pair,
    intervalMs: Math.min(lifeMs / looksPerLife, intervalLimitMs),
    next: async () => next(),
  };

  function next(): KeyPair | undefined {
    if (!isDue(leaf, clock.wallMs())) return undefined;
    leaf = issue();
    return leaf.pair;
  }

  function issue(): Leaf {
    const names = options.names();
    const issued = issueLeaf(root, { names, nowMs: clock.wallMs(), lifeMs });
    const until = new Date(issued.untilMs).toISOString();
    log.info({ names, until, pod: owner.pod }, "issued a serving certificate under this pod's root");
    return issued;
  }
}
