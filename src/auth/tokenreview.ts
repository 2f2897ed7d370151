/**
 * Authenticates bearer tokens by TokenReview, cached for seconds. Tokens that were valid before have their own
 * connections; unknown ones queue.
 */
import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import type { ReviewOptions, TokenReviewer } from '../client/reviews.ts';
import type { Clock } from '../clock.ts';
import { looksLikeJwt } from './bearer.ts';
import { createReviewCache, type Waiter } from './reviewcache.ts';
import { createKnownTokens } from './knowntokens.ts';
import { createTokenReviewQueue, type RequestOrigin } from './tokenreviewqueue.ts';
import type { UserInfo } from './user.ts';

export interface TokenAuthenticatorOptions {
  readonly reviewer: TokenReviewer;
  readonly unknownTokenReviewer: TokenReviewer;
  /** For valid tokens, in milliseconds; for others at most `badTokenTtlMs`. */
  readonly ttlMs: number;
  readonly clock: Clock;
}

export type TokenResult =
  | { readonly kind: 'user'; readonly user: UserInfo }
  /** Repeats nothing of the token. */
  | { readonly kind: 'invalid'; readonly reason: string };

export interface TokenAuthenticator {
  /** Throws QueueFullError, or the review's Error, which is not cached and repeats nothing of the token. */
  authenticate(token: string, origin: RequestOrigin, waiter: Waiter): Promise<TokenResult>;
}

/** Entries of about 1 kB. A cluster has some hundred tokens within ten seconds. */
const tokenLimit = 8_192;
/** More than the queue reviews within their TTL. */
const badTokenLimit = 1_024;
/** Milliseconds: the token may have just been issued. */
export const badTokenTtlMs = 500;

export function createTokenAuthenticator(options: TokenAuthenticatorOptions): TokenAuthenticator {
  const { reviewer, unknownTokenReviewer, ttlMs, clock } = options;
  const badTtlMs = Math.min(ttlMs, badTokenTtlMs);
  const known = createKnownTokens(clock);
  const queue = createTokenReviewQueue();
  const knownResults = createReviewCache<TokenResult>({
    limit: tokenLimit,
    ttlMs: ({ kind }) => (kind === 'user' ? ttlMs : badTtlMs),
    clock,
  });
  // Invalid tokens never evict a valid one, which moves to the other cache at once.
  const unknownResults = createReviewCache<TokenResult>({
    limit: badTokenLimit,
    ttlMs: ({ kind }) => (kind === 'user' ? 0 : badTtlMs),
    clock,
  });
  // Tokens are not kept: neither a heap dump nor a guess at the key reveals one. From raw bytes Node makes a KeyObject
  // per token, which takes six times as long as the hash.
  const secret = createSecretKey(randomBytes(32));
  return { authenticate };

  function authenticate(token: string, origin: RequestOrigin, waiter: Waiter): Promise<TokenResult> {
    const key = createHmac('sha256', secret).update(token).digest('base64');
    if (known.has(key)) return knownResults.get(key, () => reviewKnown(key, token), waiter);
    return unknownResults.get(key, () => reviewUnknown(key, token, origin), waiter);
  }

  async function reviewKnown(key: string, token: string): Promise<TokenResult> {
    const result = await review(reviewer, token);
    if (result.kind === 'user') known.add(key);
    else known.delete(key);
    return result;
  }

  async function reviewUnknown(key: string, token: string, origin: RequestOrigin): Promise<TokenResult> {
    const result = await queue.admit(origin, token.length, looksLikeJwt(token), (limiter) =>
      review(unknownTokenReviewer, token, { limiter }),
    );
    if (result.kind === 'invalid') return result;
    known.add(key);
    knownResults.put(key, result);
    return result;
  }
}

async function review(reviewer: TokenReviewer, token: string, call?: ReviewOptions): Promise<TokenResult> {
  const result = await reviewer.review(token, call);
  switch (result.kind) {
    case 'authenticated': {
      const { username, uid, groups, extra } = result.user;
      return { kind: 'user', user: { name: username, uid, groups, extra } };
    }
    case 'rejected':
      return { kind: 'invalid', reason: 'kube-apiserver does not know it' };
    case 'failed':
      return { kind: 'invalid', reason: result.error };
  }
}
