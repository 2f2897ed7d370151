/**
 * Logs refusals once per cause and minute, for `/status` and `/readyz?verbose`, too. Any client can cause them: they
 * are limited, and never make the server unready.
 */
import type { Clock } from '../clock.ts';
import { foreignText } from '../foreigntext.ts';
import { createLineLimit, type Logger } from '../logging.ts';
import type { RefusalCode } from '../messagecodes.ts';
import { networkOf } from './clientnetwork.ts';

/** The message, and whether cluster or server may be at fault. */
const refusals = {
  FrontProxyCertificate: ['the certificate of a front proxy is not accepted', true],
  FrontProxyName: ['the name of a front proxy is not in requestheader-allowed-names', true],
  ClientCertificate: ['a client certificate is not accepted', true],
  TokenReviewFailed: ['TokenReviews by kube-apiserver fail', true],
  AccessReviewFailed: ['SubjectAccessReviews by kube-apiserver fail', true],
  TokenInvalid: ['a bearer token is not valid', false],
  TokenQueueFull: ['too many tokens wait for their first TokenReview', false],
  ImpersonationRefused: ['impersonation is not accepted here', false],
  UserDenied: ['a user lacks the right', false],
  AnonymousDenied: ['anonymous requests lack the right', false],
  TooManyRequests: ['there are more requests than --max-requests-inflight', false],
  TooManyAnonymousRequests: ['there are too many anonymous requests', false],
} as const satisfies Readonly<Record<RefusalCode, readonly [what: string, isTrouble: boolean]>>;

export interface RefusedRequest {
  readonly code: RefusalCode;
  /** Without secrets. */
  readonly reason: string;
  /** Such as the user, within one cause. */
  readonly variant?: string;
  readonly address?: string;
}

export interface RecentRefusal {
  readonly code: RefusalCode;
  readonly what: string;
  /** The latest request's. */
  readonly reason: string;
  readonly requests: number;
  /** Since the epoch. */
  readonly sinceMs: number;
  readonly lastMs: number;
  /** An operator has to act. */
  readonly isTrouble: boolean;
}

export interface Refusals {
  refused(request: RefusedRequest): void;
  /** Protects the refusals of an authenticated client's address from others'. */
  authenticated(address: string): void;
  /** Returns the refusals of the last five minutes, latest first. */
  recent(): readonly RecentRefusal[];
}

/** In milliseconds. */
export const recentMs = 300_000;
/** Per cause; others share one entry. */
export const variantLimit = 16;
/** Per cause. Clients choose variants: reasons quote their certificates. */
export const variantsPerNetwork = 2;
/** Addresses; the oldest is evicted. */
const authenticatedLimit = 1_024;
/** The variant beyond the limits. */
const others = '(others)';

interface RefusalEntry extends RecentRefusal {
  /** The network of the client that added the variant. */
  readonly network: string | undefined;
  readonly isAuthenticated: boolean;
  readonly unlogged: number;
  readonly seenMs: number;
}

type Variants = Map<string, RefusalEntry>;

export function createRefusals(clock: Pick<Clock, 'wallMs' | 'monotonicMs'>, log: Logger): Refusals {
  const mayLog = createLineLimit(clock.monotonicMs);
  const byCode = new Map<RefusalCode, Variants>();
  const addresses = new Set<string>();
  return { refused, authenticated, recent };

  function authenticated(address: string): void {
    if (address === '' || addresses.has(address)) return;
    addresses.add(address);
    const [oldest] = addresses;
    if (addresses.size > authenticatedLimit && oldest !== undefined) addresses.delete(oldest);
  }

  function refused({ code, reason, variant = '', address }: RefusedRequest): void {
    const variants = recentOf(code);
    const network = address === undefined ? undefined : networkOf(address);
    const isAuthenticated = address !== undefined && addresses.has(address);
    const wanted = foreignText(variant);
    const name = hasPlace(variants, wanted, network, isAuthenticated) ? wanted : others;
    const [what, isTrouble] = refusals[code];
    const previous = variants.get(name);
    const entry: RefusalEntry = {
      code,
      what,
      reason: foreignText(reason),
      requests: (previous?.requests ?? 0) + 1,
      sinceMs: previous?.sinceMs ?? clock.wallMs(),
      lastMs: clock.wallMs(),
      isTrouble,
      network: previous === undefined ? network : previous.network,
      isAuthenticated: isAuthenticated || previous?.isAuthenticated === true,
      unlogged: (previous?.unlogged ?? 0) + 1,
      seenMs: clock.monotonicMs(),
    };
    const isLogged = mayLog(`${code} ${name}`);
    variants.set(name, isLogged ? { ...entry, unlogged: 0 } : entry);
    if (!isLogged) return;
    const facts = {
      code,
      reason: entry.reason,
      requests: entry.unlogged,
      ...(address === undefined ? {} : { address }),
    };
    if (isTrouble) log.warn(facts, `refused: ${what}`);
    else log.info(facts, `refused: ${what}`);
  }

  function recentOf(code: RefusalCode): Variants {
    let variants = byCode.get(code);
    if (variants === undefined) byCode.set(code, (variants = new Map()));
    const oldestMs = clock.monotonicMs() - recentMs;
    for (const [name, { seenMs }] of variants) if (seenMs <= oldestMs) variants.delete(name);
    return variants;
  }

  function recent(): readonly RecentRefusal[] {
    const all = [...byCode.keys()].flatMap((code) => [...recentOf(code).values()]);
    return all
      .toSorted((a, b) => b.seenMs - a.seenMs)
      .map(({ code, what, reason, requests, sinceMs, lastMs, isTrouble }) => {
        return { code, what, reason, requests, sinceMs, lastMs, isTrouble };
      });
  }
}

/** Reports whether the variant has an entry, or can get one, also by eviction. */
function hasPlace(variants: Variants, wanted: string, network: string | undefined, isAuthenticated: boolean): boolean {
  if (variants.has(wanted)) return true;
  const own = [...variants].filter(([name, entry]) => name !== others && entry.network === network);
  if (network !== undefined && own.length >= variantsPerNetwork) return false;
  const taken = variants.size - (variants.has(others) ? 1 : 0);
  if (taken < variantLimit) return true;
  const evicted = evictable(variants, isAuthenticated);
  if (evicted === undefined) return false;
  merge(variants, evicted);
  return true;
}

/** Returns the latest of a network with several; for an authenticated client, also of others. */
function evictable(variants: Variants, byAuthenticated: boolean): string | undefined {
  const candidates = [...variants].filter(([name, entry]) => name !== others && !entry.isAuthenticated);
  const sharesNetwork = ([name, { network }]: readonly [string, RefusalEntry]) =>
    network !== undefined && candidates.some(([other, entry]) => other !== name && entry.network === network);
  const [name] = candidates.findLast(sharesNetwork) ?? (byAuthenticated ? candidates.at(-1) : undefined) ?? [];
  return name;
}

function merge(variants: Variants, evicted: string): void {
  const entry = variants.get(evicted);
  if (entry === undefined) return;
  variants.delete(evicted);
  const rest = variants.get(others) ?? { ...entry, requests: 0, unlogged: 0, isAuthenticated: false };
  variants.set(others, {
    ...rest,
    network: undefined,
    requests: rest.requests + entry.requests,
    unlogged: rest.unlogged + entry.unlogged,
    sinceMs: Math.min(rest.sinceMs, entry.sinceMs),
    lastMs: Math.max(rest.lastMs, entry.lastMs),
    seenMs: Math.max(rest.seenMs, entry.seenMs),
  });
}
