/** Whose a bearer token is: asked of kube-apiserver by TokenReview and remembered for some seconds. */
import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import type { TokenReviewer } from '../client/reviews.ts';
import type { Clock } from '../clock.ts';
import { createReviewCache } from './cache.ts';
import type { UserInfo } from './user.ts';

export interface TokenAuthenticatorOptions {
  readonly reviewer: TokenReviewer;
  /** How long an answer is remembered, good or bad, in milliseconds. */
  readonly ttlMs: number;
  readonly clock: Clock;
}

export interface TokenAuthenticator {
  /** Undefined when the token is nobody's; throws Error when that could not be found out, which is not remembered. */
  authenticate(token: string, signal: AbortSignal): Promise<UserInfo | undefined>;
}

/** Entries are about 1 kB; a cluster has some hundred callers with a token within ten seconds. */
const tokenLimit = 8192;

export function createTokenAuthenticator({ reviewer, ttlMs, clock }: TokenAuthenticatorOptions): TokenAuthenticator {
  const cache = createReviewCache<UserInfo | undefined>({ limit: tokenLimit, ttlMs: () => ttlMs, clock });
  // Tokens themselves are never kept: neither a heap dump nor a guess at the key gives one away.
  // An object, because Node makes one of raw bytes for each token, which takes six times as long as the hash.
  const secret = createSecretKey(randomBytes(32));
  return {
    authenticate: (token, signal) => {
      const key = createHmac('sha256', secret).update(token).digest('base64');
      return cache.get(key, () => review(token), signal);
    },
  };

  async function review(token: string): Promise<UserInfo | undefined> {
    const result = await reviewer.review(token);
    switch (result.kind) {
      case 'authenticated': {
        const { username, uid, groups, extra } = result.user;
        return { name: username, uid, groups, extra };
      }
      case 'rejected':
        return undefined;
      case 'failed':
        throw new Error(result.error);
    }
  }
}
