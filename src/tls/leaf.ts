/** Issues the serving certificates of a pod's root: a new key each, EC P-256. */
import { authorityKeyIdentifier, isCertificateName, wholeSeconds } from './certificatewriter.ts';
import type { KeyPair } from './keypair.ts';
import type { PodRoot } from './podroot.ts';
import { createServerPair } from './serverpair.ts';

export interface Leaf {
  readonly pair: KeyPair;
  /** Milliseconds since the epoch, cut to seconds. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** When the next one is due. */
  readonly renewAtMs: number;
}

export interface ServiceNames {
  readonly service: string;
  readonly namespace: string;
  /** The cluster's domain, such as `cluster.local`. */
  readonly domain: string;
}

const dayMs = 24 * 60 * 60_000;
/** Long enough for monitors that warn of certificates with less than a week or two left. */
export const leafLifeMs = 90 * dayMs;
/** Tolerates a clock of ours that is ahead, also by a time zone. Until the start, kube-apiserver would refuse the certificate. */
export const leafBackdateMs = dayMs;
/** As cert-manager: part of the life after which a leaf is renewed. Backdating is no part of it. */
const renewalShare = 2 / 3;

/** Returns the names by which pods and kube-apiserver reach a Service. kube-apiserver verifies `<svc>.<ns>.svc`. */
export function serviceNames({ service, namespace, domain }: ServiceNames): readonly string[] {
  const name = `${service}.${namespace}.svc`;
  return [name, service, `${service}.${namespace}`, `${name}.${domain.replace(/\.$/, '')}`];
}

export interface LeafOptions {
  /** DNS names and IP addresses, at least one usable; the first is also the common name. */
  readonly names: readonly string[];
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** In milliseconds from now on. */
  readonly lifeMs?: number;
}

/**
 * Names that no certificate can hold are left out.
 * @throws Error if no name is left.
 */
export function issueLeaf(root: PodRoot, { names, nowMs, lifeMs = leafLifeMs }: LeafOptions): Leaf {
  const usable = [...new Set(names.filter(isCertificateName))];
  if (usable.length === 0) throw new Error('a serving certificate needs a name');
  const fromMs = wholeSeconds(Math.max(nowMs - leafBackdateMs, 0));
  const untilMs = wholeSeconds(nowMs + lifeMs);
  const pair = createServerPair({ names: usable, fromMs, untilMs }, (draft) =>
    root.sign({ ...draft, extensions: [...draft.extensions, authorityKeyIdentifier(root.keyId)] }),
  );
  return { pair, fromMs, untilMs, renewAtMs: nowMs + (untilMs - nowMs) * renewalShare };
}

/** Reports whether a new leaf is due: most of the life is over, or the clock was set back before its start. */
export function isDue({ fromMs, renewAtMs }: Leaf, nowMs: number): boolean {
  return nowMs >= renewAtMs || nowMs < fromMs;
}
