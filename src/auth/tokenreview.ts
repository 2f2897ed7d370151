/**
 * Whose a bearer token is: asked of kube-apiserver by TokenReview and remembered for some seconds. Tokens that were good before have connections
 * of their own; those that never were wait in the line of strangers.
 */
import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import type { ReviewCall, TokenReviewer } from '../client/reviews.ts';
import type { Clock } from '../clock.ts';
import { looksLikeJwt } from './bearer.ts';
import { createReviewCache } from './cache.ts';
import { createKnownTokens } from './knowntokens.ts';
import { createStrangers, type Source } from './strangerqueue.ts';
import type { UserInfo } from './user.ts';

export interface TokenAuthenticatorOptions {
  /** For tokens that were good before. */
  readonly reviewer: TokenReviewer;
  /** For tokens that never were; over other connections. */
  readonly strangersReviewer: TokenReviewer;
  /** How long a good token is remembered, in milliseconds; a bad one at most `badTokenTtlMs`. */
  readonly ttlMs: number;
  readonly clock: Clock;
}

export type TokenVerdict =
  | { readonly kind: 'user'; readonly user: UserInfo }
  /** The reason holds nothing of the token. */
  | { readonly kind: 'invalid'; readonly reason: string };

export interface TokenAuthenticator {
  /**
   * Throws Error when no review could be had, which is not cached; its message holds nothing of the token. Throws TooManyStrangers when the line is
   * full.
   */
  authenticate(token: string, source: Source, signal: AbortSignal): Promise<TokenVerdict>;
}

/** Entries are about 1 kB; a cluster has some hundred callers with a token within ten seconds. */
const tokenLimit = 8_192;
/** Bad tokens that are remembered: as many as strangers can have reviewed meanwhile, and more. */
const badTokenLimit = 1_024;
/** How long a bad token is remembered at most, in milliseconds: it may have been made a moment ago. */
export const badTokenTtlMs = 500;

export function createTokenAuthenticator(options: TokenAuthenticatorOptions): TokenAuthenticator {
  const { reviewer, strangersReviewer, ttlMs, clock } = options;
  const badTtlMs = Math.min(ttlMs, badTokenTtlMs);
  const known = createKnownTokens(clock);
  const strangers = createStrangers();
  const knownVerdicts = createReviewCache<TokenVerdict>({
    limit: tokenLimit,
    ttlMs: ({ kind }) => (kind === 'user' ? ttlMs : badTtlMs),
    clock,
  });
  // Of their own, so that bad tokens never displace a good one. A good one moves to the others at once.
  const strangersVerdicts = createReviewCache<TokenVerdict>({
    limit: badTokenLimit,
    ttlMs: ({ kind }) => (kind === 'user' ? 0 : badTtlMs),
    clock,
  });
  // Tokens themselves are never kept: neither a heap dump nor a guess at the key gives one away.
  // An object, because Node makes one of raw bytes for each token, which takes six times as long as the hash.
  const secret = createSecretKey(randomBytes(32));
  return { authenticate };

  function authenticate(token: string, source: Source, signal: AbortSignal): Promise<TokenVerdict> {
    const key = createHmac('sha256', secret).update(token).digest('base64');
    if (known.has(key)) return knownVerdicts.get(key, () => reviewKnown(key, token), signal);
    return strangersVerdicts.get(key, () => reviewStranger(key, token, source), signal);
  }

  async function reviewKnown(key: string, token: string): Promise<TokenVerdict> {
    const verdict = await review(reviewer, token);
    if (verdict.kind === 'user') known.add(key);
    else known.delete(key);
    return verdict;
  }

  async function reviewStranger(key: string, token: string, source: Source): Promise<TokenVerdict> {
    const verdict = await strangers.admit(source, token.length, looksLikeJwt(token), (turn) =>
      review(strangersReviewer, token, { turn }),
    );
    if (verdict.kind === 'invalid') return verdict;
    known.add(key);
    knownVerdicts.put(key, verdict);
    return verdict;
  }
}

async function review(reviewer: TokenReviewer, token: string, call?: ReviewCall): Promise<TokenVerdict> {
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
