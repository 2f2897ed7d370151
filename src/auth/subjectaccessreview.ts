/** Whether somebody may do something: asked of kube-apiserver by SubjectAccessReview and remembered for some seconds. */
import { hash } from 'node:crypto';
import { StatusError } from '../apimachinery/status.ts';
import type { AccessReviewer, AccessReviewResult, SubjectAccessReviewSpec } from '../client/reviews.ts';
import type { Clock } from '../clock.ts';
import { type Attributes, lengthOf, reviewAttributes } from './attributes.ts';
import { createReviewCache } from './reviewcache.ts';
import type { UserInfo } from './user.ts';

export interface AccessOptions {
  readonly reviewer: AccessReviewer;
  /** How long a yes and a no are remembered, in milliseconds. */
  readonly allowedTtlMs: number;
  readonly deniedTtlMs: number;
  /** For how much longer a yes counts while kube-apiserver cannot be asked; default 0. A no never does. */
  readonly staleAllowMs?: number;
  /** Entries that are remembered; default 8,192, as in kube-apiserver's own delegates. */
  readonly limit?: number;
  /** Whether kube-apiserver may have just started, and deny what it will allow. */
  readonly isAfterOutage?: () => boolean;
  readonly clock: Clock;
}

export interface Access {
  /** Throws whatever the reviewer throws when it has no answer; that is not remembered. */
  review(user: UserInfo, attributes: Attributes, signal: AbortSignal): Promise<AccessReviewResult>;
}

const defaultLimit = 8192;
/** What is that long was written by somebody who plays with us. */
const rememberedLengthLimit = 10_000;
/** How long a no of a kube-apiserver that may have just started is remembered at most, in milliseconds. */
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
    async review(user, attributes, signal) {
      const spec = toSpec(user, attributes);
      if (lengthOf(attributes) >= rememberedLengthLimit) return await reviewer.review(spec, { signal });
      // Hashed, because a user in hundreds of groups has a spec of many kilobytes.
      const key = hash('sha256', JSON.stringify(spec), 'base64');
      return await cache.get(key, (failed) => reviewer.review(spec, { onRetry: failed }), signal);
    },
  };
}

/** Not when kube-apiserver says that we may not ask, or that it does not understand: it is there then. */
function isOutage(error: unknown): boolean {
  return !(error instanceof StatusError) || error.code >= 500 || error.code === 429;
}

/** In the order of Kubernetes' struct, without what is empty; extra facts by key, so that equal users have equal specs. */
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
