/** Limits the requests in flight; more are answered by 429. */
import type { Caller } from '../metricsource/source.ts';
import { type Reply, textReply } from './reply.ts';

export interface InFlightLimit {
  /**
   * Returns undefined at the limit. Work counts to its end, also after a disconnect. Unread responses do not: two
   * connections could block all callers.
   * Anonymous requests have their own limit, those of users leave room for the autoscaler, and those for values of custom and
   * external metrics leave room for metrics.k8s.io.
   */
  run<T>(work: () => Promise<T>, request: InFlightRequest): Promise<T> | undefined;
  count(): number;
}

export interface InFlightRequest {
  readonly kind: Caller['kind'];
  /** Whether it is for values of custom or external metrics, which may wait for a PromQL engine. */
  readonly isForValues: boolean;
}

/** Anonymous requests, mostly probes and discovery, whatever the flag says. */
export const strangersInFlightLimit = 64;

/**
 * The users' share of the limit of authenticated requests. A user's queries of a PromQL engine that is slow are in flight for most of --request-timeout each;
 * the autoscaler, and other controllers of the cluster, have the rest for themselves.
 */
const usersShare = 0.75;
/** The part of the users' share that requests for values have: an engine of theirs that hangs costs metrics.k8s.io from kubelets nothing. */
const valuesShare = 0.75;

/** @param limit of authenticated requests, and of anonymous ones if lower than theirs; 0 for none. */
export function createInFlightLimit(
  limit: number,
  onRefused: (isStranger: boolean) => void = () => undefined,
): InFlightLimit {
  const known = createPlaceCount(limit > 0 ? limit : Infinity);
  const usersLimit = limit > 0 ? Math.max(1, Math.floor(limit * usersShare)) : Infinity;
  const users = createPlaceCount(usersLimit);
  const values = createPlaceCount(Math.max(1, Math.floor(usersLimit * valuesShare)));
  const strangers = createPlaceCount(limit > 0 ? Math.min(limit, strangersInFlightLimit) : strangersInFlightLimit);
  const countsOf = { system: [known], user: [known, users], stranger: [strangers] } as const;
  return {
    run(work, { kind, isForValues }) {
      const counts = kind === 'user' && isForValues ? [...countsOf.user, values] : countsOf[kind];
      if (counts.every((each) => each.hasRoom())) return counted(counts, work);
      onRefused(kind === 'stranger');
      return undefined;
    },
    count: () => known.count() + strangers.count(),
  };
}

interface PlaceCount {
  hasRoom(): boolean;
  add(change: 1 | -1): void;
  count(): number;
}

function createPlaceCount(limit: number): PlaceCount {
  let count = 0;
  return { hasRoom: () => count < limit, add: (change) => void (count += change), count: () => count };
}

async function counted<T>(counts: readonly PlaceCount[], work: () => Promise<T>): Promise<T> {
  for (const each of counts) each.add(1);
  try {
    return await work();
  } finally {
    for (const each of counts) each.add(-1);
  }
}

export function tooManyRequestsReply(): Reply {
  const reply = textReply('Too many requests, please try again later.\n', 429);
  return { ...reply, headers: { ...reply.headers, 'retry-after': '1' } };
}
