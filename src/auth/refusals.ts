/**
 * Logs what is refused, once per cause and minute, and remembers it for some minutes for `/status` and `/readyz?verbose`. Strangers cause refusals
 * as they like, so nothing here makes the server unready, and the numbers of lines and of causes have limits.
 */
import type { Clock } from '../clock.ts';
import { foreignText } from '../foreigntext.ts';
import { createLineLimit, type Logger } from '../logging.ts';

/** What each cause is called in the log, and whether it says that something of the cluster or of this server is wrong. */
const causes = {
  'front-proxy-certificate': ['the certificate of a front proxy is not accepted', true],
  'front-proxy-name': ['the name of a front proxy is not in requestheader-allowed-names', true],
  'client-certificate': ['a client certificate is not accepted', true],
  'token-review': ['TokenReviews by kube-apiserver fail', true],
  'access-review': ['SubjectAccessReviews by kube-apiserver fail', true],
  token: ['a bearer token is not valid', false],
  'token-line': ['too many tokens wait for their first TokenReview', false],
  impersonation: ['impersonation is not accepted here', false],
  denied: ['a user lacks the right', false],
  'anonymous-denied': ['anonymous requests lack the right', false],
  'in-flight': ['there are more requests than --max-requests-inflight', false],
  'anonymous-in-flight': ['there are too many anonymous requests', false],
} as const satisfies Readonly<Record<string, readonly [what: string, isTrouble: boolean]>>;

export type RefusalCause = keyof typeof causes;

export interface Refusal {
  readonly cause: RefusalCause;
  /** Why, in one line; must hold no secret. */
  readonly reason: string;
  /** Tells refusals of one cause apart that have a line each, such as by the user's name. */
  readonly variant?: string;
  /** The client's IP address. */
  readonly address?: string;
}

/** Refusals of one cause and variant. */
export interface RecentRefusal {
  readonly cause: RefusalCause;
  /** A sentence without a dot. */
  readonly what: string;
  /** Of the last one. */
  readonly reason: string;
  readonly requests: number;
  /** Of the first and the last, milliseconds since the epoch. */
  readonly sinceMs: number;
  readonly lastMs: number;
  /** Whether something is wrong that an operator has to mend, rather than the client. */
  readonly isTrouble: boolean;
}

export interface Refusals {
  refused(refusal: Refusal): void;
  /** Returns those of the last five minutes, the latest first. */
  recent(): readonly RecentRefusal[];
}

/** How long a refusal is remembered, in milliseconds. */
export const recentMs = 300_000;
/** Variants of one cause that are remembered and logged; further ones are one variant. */
export const variantLimit = 8;
/** The variant of all beyond the limit. */
const others = '(others)';

interface RefusalEntry extends RecentRefusal {
  /** Since the last line. */
  readonly unlogged: number;
  readonly seenMs: number;
}

export function createRefusals(clock: Pick<Clock, 'wallMs' | 'monotonicMs'>, log: Logger): Refusals {
  const mayLog = createLineLimit(clock.monotonicMs);
  /** By cause, then by variant. */
  const byCause = new Map<RefusalCause, Map<string, RefusalEntry>>();
  return { refused, recent };

  function refused({ cause, reason, variant = '', address }: Refusal): void {
    const entries = recentOf(cause);
    const wanted = foreignText(variant);
    const name = entries.has(wanted) || entries.size < variantLimit ? wanted : others;
    const [what, isTrouble] = causes[cause];
    const held = entries.get(name);
    const entry: RefusalEntry = {
      cause,
      what,
      reason: foreignText(reason),
      requests: (held?.requests ?? 0) + 1,
      sinceMs: held?.sinceMs ?? clock.wallMs(),
      lastMs: clock.wallMs(),
      isTrouble,
      unlogged: (held?.unlogged ?? 0) + 1,
      seenMs: clock.monotonicMs(),
    };
    const isLogged = mayLog(`${cause} ${name}`);
    entries.set(name, isLogged ? { ...entry, unlogged: 0 } : entry);
    if (!isLogged) return;
    const facts = {
      cause,
      reason: entry.reason,
      requests: entry.unlogged,
      ...(address === undefined ? {} : { address }),
    };
    if (isTrouble) log.warn(facts, `refused: ${what}`);
    else log.info(facts, `refused: ${what}`);
  }

  /** The cause's entries without those that are too old. */
  function recentOf(cause: RefusalCause): Map<string, RefusalEntry> {
    let entries = byCause.get(cause);
    if (entries === undefined) byCause.set(cause, (entries = new Map()));
    const oldestMs = clock.monotonicMs() - recentMs;
    for (const [name, { seenMs }] of entries) if (seenMs <= oldestMs) entries.delete(name);
    return entries;
  }

  function recent(): readonly RecentRefusal[] {
    const all = [...byCause.keys()].flatMap((cause) => [...recentOf(cause).values()]);
    return all
      .toSorted((a, b) => b.seenMs - a.seenMs)
      .map(({ unlogged: _unlogged, seenMs: _seenMs, ...refusal }) => refusal);
  }
}
