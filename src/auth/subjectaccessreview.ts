/** Reviews access by SubjectAccessReview, cached for seconds. */
import { hash } from 'node:crypto';
import { StatusError } from '../apimachinery/status.ts';
import type { AccessReviewer, AccessReviewResult, SubjectAccessReviewSpec } from '../client/reviews.ts';
import type { Clock } from '../clock.ts';
import { type Attributes, lengthOf, reviewAttributes } from './attributes.ts';
import { createReviewCache, inTurn, type Waiter } from './reviewcache.ts';
import type { UserInfo } from './user.ts';

export interface AccessOptions {
  readonly reviewer: AccessReviewer;
  readonly allowedTtlMs: number;
  readonly deniedTtlMs: number;
  /** Milliseconds beyond the TTL for which an allow, but no deny, counts during an outage; default 0. */
  readonly staleAllowMs?: number;
  /** Default 8,192, as in k8s.io/apiserver. */
  readonly limit?: number;
  /** kube-apiserver may have just started, and deny what it will allow. */
  readonly isAfterOutage?: () => boolean;
  readonly clock: Clock;
}

export interface Access {
  /** Throws the reviewer's errors, uncached. */
  review(user: UserInfo, attributes: Attributes, waiter: Waiter): Promise<AccessReviewResult>;
}

const defaultLimit = 8192;
/** UTF-16 units: longer attributes are made up. */
const cachedLengthLimit = 10_000;
/** In milliseconds. */
export const denialAfterOutageMs = 500;

export function createAccess(options: AccessOptions): Access {
  const { reviewer, allowedTtlMs, deniedTtlMs, staleAllowMs = 0, limit = defaultLimit, clock } = options;
  const { isAfterOutage = () => false } = options;
  const ttlMs = ({ allowed }: AccessReviewResult) => {
    if (allowed) return allowedTtlMs;
    return isAfterOutage() ? Math.min(deniedTtlMs, denialAfterOutageMs) : deniedTtlMs;
  };
  const stale = { ms: ({ allowed }: AccessReviewResult) => (allowed ? staleAllowMs : 0), isOutage };
  const cache = createReviewCache<AccessReviewResult>({ limit, ttlMs, stale, clock });
  return {
    async review(user, attributes, waiter) {
      const spec = toSpec(user, attributes);
      if (lengthOf(attributes) >= cachedLengthLimit) {
        return await inTurn(reviewer.review(spec, { signal: waiter.signal }), waiter);
      }
      // Hashed: a user's hundreds of groups take kilobytes.
      const key = hash('sha256', JSON.stringify(spec), 'base64');
      return await cache.get(key, (failed) => reviewer.review(spec, { onRetry: failed }), waiter);
    },
  };
}

/** A refusal of the review itself is no outage. */
function isOutage(error: unknown): boolean {
  return !(error instanceof StatusError) || error.code >= 500 || error.code === 429;
}

/** Equal users have equal specs: no empty fields, sorted keys. */
function toSpec({ name, groups, extra, uid }: UserInfo, attributes: Attributes): SubjectAccessReviewSpec {
  const facts = [...extra].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    ...reviewAttributes(attributes),
    user: name,
    ...(groups.length === 0 ? {} : { groups }),
    ...(facts.length === 0 ? {} : { extra: Object.fromEntries(facts) }),
    ...(uid === '' ? {} : { uid }),
  };
}
