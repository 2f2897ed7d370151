/** Asks kube-apiserver whose a token is (TokenReview) and what somebody may do (SubjectAccessReview). */
import { setTimeout as sleep } from 'node:timers/promises';
import { StatusError } from '../apimachinery/status.ts';
import { field, text, texts } from './json.ts';
import { codeOf, type OnReview } from './metrics.ts';
import { isBrokenConnection, isRefusedConnection, type RestClient } from './rest.ts';

export interface ReviewedUser {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: ReadonlyMap<string, readonly string[]>;
}

export type TokenReviewResult =
  | { readonly kind: 'authenticated'; readonly user: ReviewedUser }
  /** The server knows the token and says no; worth remembering. */
  | { readonly kind: 'rejected' }
  /** The server could not tell, or the token is no token; may be different a moment later. */
  | { readonly kind: 'failed'; readonly error: string };

export interface TokenReviewer {
  /** @throws Error when no answer could be had; StatusError when we may not ask. */
  review(token: string, signal?: AbortSignal): Promise<TokenReviewResult>;
}

/** As on the wire; exactly one of the two kinds of attributes. */
export interface SubjectAccessReviewSpec {
  readonly resourceAttributes?: Readonly<Record<string, unknown>>;
  readonly nonResourceAttributes?: { readonly path: string; readonly verb: string };
  readonly user: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
  readonly uid?: string;
}

export interface AccessReviewResult {
  readonly allowed: boolean;
  /** The authorizer's words, perhaps empty. */
  readonly reason: string;
}

export interface AccessReviewer {
  /** @throws Error when no answer could be had; StatusError when we may not ask. */
  review(spec: SubjectAccessReviewSpec, signal?: AbortSignal): Promise<AccessReviewResult>;
}

export function createTokenReviewer(rest: RestClient, onReview?: OnReview): TokenReviewer {
  const post = observed(rest, onReview);
  return {
    review: async (token, signal) =>
      parseTokenReview(await post('authentication.k8s.io', 'TokenReview', { token }, signal)),
  };
}

export function createAccessReviewer(rest: RestClient, onReview?: OnReview): AccessReviewer {
  const post = observed(rest, onReview);
  return {
    review: async (spec, signal) =>
      parseAccessReview(await post('authorization.k8s.io', 'SubjectAccessReview', spec, signal)),
  };
}

type Post = (group: string, kind: string, spec: object, signal: AbortSignal | undefined) => Promise<unknown>;

function observed(rest: RestClient, onReview: OnReview = () => undefined): Post {
  return async (...review) => {
    const startedMs = performance.now();
    const tell = (code: string) => onReview(code, (performance.now() - startedMs) / 1000);
    try {
      const answer = await post(rest, ...review);
      tell('201');
      return answer;
    } catch (error) {
      tell(codeOf(error));
      throw error;
    }
  };
}

/** As kube-apiserver's own delegates wait. */
const reviewTimeoutMs = 10_000;

async function post(
  rest: RestClient,
  group: string,
  kind: string,
  spec: object,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const path = `/apis/${group}/v1/${kind.toLowerCase()}s`;
  const review = { kind, apiVersion: `${group}/v1`, metadata: {}, spec };
  const deadline = AbortSignal.timeout(reviewTimeoutMs);
  const options = {
    query: { timeout: `${reviewTimeoutMs / 1000}s` },
    timeoutMs: reviewTimeoutMs,
    signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
  };
  for (let tries = 1; ; tries += 1) {
    try {
      return await rest.create(path, review, options);
    } catch (error) {
      // A review stores nothing, so asking twice is asking once.
      const waitMs = retryWaitMs(error, tries);
      if (waitMs === undefined || options.signal.aborted) throw error;
      await sleep(waitMs, undefined, { signal: options.signal }).catch(() => undefined);
    }
  }
}

/** How often one review is sent at most, as client-go's webhooks do (k8s.io/apiserver/pkg/util/webhook, DefaultRetryBackoff). */
const mostTries = 5;
/** Shorter than client-go's 500 ms: callers that wait are to be served within a second of kube-apiserver's readiness. */
const firstWaitMs = 200;
const waitFactor = 1.5;
/** Each wait is longer by up to this share, so that the callers of one outage do not come back together. */
const waitJitter = 0.2;
/** The shortest wait after a 429, in milliseconds; its Retry-After is not read. */
const afterTooManyMs = 1_000;

/** Answers that a moment later may be others. */
const passingCodes: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

/** Returns how long to wait before the next try, in milliseconds; undefined where there is none. */
function retryWaitMs(error: unknown, tries: number): number | undefined {
  if (tries >= mostTries) return undefined;
  // The server may have closed an idle connection just as we wrote to it.
  if (tries === 1 && isBrokenConnection(error)) return 0;
  const backOffMs = firstWaitMs * waitFactor ** (tries - 1) * (1 + Math.random() * waitJitter);
  if (isBrokenConnection(error) || isRefusedConnection(error)) return backOffMs;
  if (!(error instanceof StatusError) || !passingCodes.has(error.code)) return undefined;
  return error.code === 429 ? Math.max(backOffMs, afterTooManyMs) : backOffMs;
}

function parseTokenReview(body: unknown): TokenReviewResult {
  const status = field(body, 'status');
  const user = field(status, 'user');
  const error = text(field(status, 'error')) ?? '';
  if (error !== '') return { kind: 'failed', error };
  if (field(status, 'authenticated') !== true) return { kind: 'rejected' };
  const username = text(field(user, 'username')) ?? '';
  if (username === '') return { kind: 'failed', error: 'the TokenReview names no user' };
  return {
    kind: 'authenticated',
    user: { username, uid: text(field(user, 'uid')) ?? '', groups: texts(field(user, 'groups')), extra: extraOf(user) },
  };
}

function extraOf(user: unknown): ReadonlyMap<string, readonly string[]> {
  const extra = field(user, 'extra');
  if (typeof extra !== 'object' || extra === null) return new Map();
  return new Map(Object.entries(extra).map(([key, values]) => [key, texts(values)]));
}

function parseAccessReview(body: unknown): AccessReviewResult {
  const status = field(body, 'status');
  // Denied outranks allowed, as in kube-apiserver's webhook authorizer.
  const allowed = field(status, 'allowed') === true && field(status, 'denied') !== true;
  return { allowed, reason: text(field(status, 'reason')) ?? '' };
}
