/**
 * Whose a bearer token is: asked of kube-apiserver by TokenReview and remembered for some seconds. Tokens that were good before have connections
 * of their own; those that never were wait in the line of queue.
 */
import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import type { ReviewOptions, TokenReviewer } from '../client/reviews.ts';
import type { Clock } from '../clock.ts';
import { looksLikeJwt } from './bearer.ts';
import { createReviewCache } from './reviewcache.ts';
import { createKnownTokens } from './knowntokens.ts';
import { createTokenReviewQueue, type RequestOrigin } from './tokenreviewqueue.ts';
import type { UserInfo } from './user.ts';

export interface TokenAuthenticatorOptions {
  /** For tokens that were good before. */
  readonly reviewer: TokenReviewer;
  /** For tokens that never were; over other connections. */
  readonly unknownTokenReviewer: TokenReviewer;
  /** How long a good token is remembered, in milliseconds; a bad one at most `badTokenTtlMs`. */
  readonly ttlMs: number;
  readonly clock: Clock;
}

export type TokenResult =
  | { readonly kind: 'user'; readonly user: UserInfo }
  /** The reason holds nothing of the token. */
  | { readonly kind: 'invalid'; readonly reason: string };

export interface TokenAuthenticator {
  /**
   * Throws Error when no review could be had, which is not cached; its message holds nothing of the token. Throws QueueFullError when the line is
   * full.
   */
  authenticate(token: string, origin: RequestOrigin, signal: AbortSignal): Promise<TokenResult>;
}

/** Entries are about 1 kB; a cluster has some hundred callers with a token within ten seconds. */
const tokenLimit = 8_192;
/** Bad tokens that are remembered: as many as queue can have reviewed meanwhile, and more. */
const badTokenLimit = 1_024;
/** How long a bad token is remembered at most, in milliseconds: it may have been made a moment ago. */
export const badTokenTtlMs = 500;

export function createTokenAuthenticator(options: TokenAuthenticatorOptions): TokenAuthenticator {
  const { reviewer, unknownTokenReviewer, ttlMs, clock } = options;
  const badTtlMs = Math.min(ttlMs, badTokenTtlMs);
  const known = createKnownTokens(clock);
  const queue = createTokenReviewQueue();
  const knownVerdicts = createReviewCache<TokenResult>({
    limit: tokenLimit,
    ttlMs: ({ kind }) => (kind === 'user' ? ttlMs : badTtlMs),
    clock,
  });
  // Of their own, so that bad tokens never displace a good one. A good one moves to the others at once.
  const strangersVerdicts = createReviewCache<TokenResult>({
    limit: badTokenLimit,
    ttlMs: ({ kind }) => (kind === 'user' ? 0 : badTtlMs),
    clock,
  });
  // Tokens themselves are never kept: neither a heap dump nor a guess at the key gives one away.
  // An object, because Node makes one of raw bytes for each token, which takes six times as long as the hash.
  const secret = createSecretKey(randomBytes(32));
  return { authenticate };

  function authenticate(token: string, origin: RequestOrigin, signal: AbortSignal): Promise<TokenResult> {
    const key = createHmac('sha256', secret).update(token).digest('base64');
    if (known.has(key)) return knownVerdicts.get(key, () => reviewKnown(key, token), signal);
    return strangersVerdicts.get(key, () => reviewStranger(key, token, origin), signal);
  }

  async function reviewKnown(key: string, token: string): Promise<TokenResult> {
    const verdict = await review(reviewer, token);
    if (verdict.kind === 'user') known.add(key);
    else known.delete(key);
    return verdict;
  }

  async function reviewStranger(key: string, token: string, origin: RequestOrigin): Promise<TokenResult> {
    const verdict = await queue.admit(origin, token.length, looksLikeJwt(token), (limiter) =>
      review(unknownTokenReviewer, token, { limiter }),
    );
    if (verdict.kind === 'invalid') return verdict;
    known.add(key);
    knownVerdicts.put(key, verdict);
    return verdict;
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
