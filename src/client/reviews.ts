/** Sends TokenReviews and SubjectAccessReviews, with retries. */
import { setTimeout as sleep } from 'node:timers/promises';
import { StatusError } from '../apimachinery/status.ts';
import { foreignText } from '../foreigntext.ts';
import { field, text, texts } from './json.ts';
import { isBrokenConnection, isUnreachable } from './connectionerrors.ts';
import { codeOf, type OnReview } from './requestoutcome.ts';
import { isOutageCode } from './outage.ts';
import type { RequestOptions, RestClient } from './rest.ts';

export interface ReviewedUser {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: ReadonlyMap<string, readonly string[]>;
}

export type TokenReviewResult =
  | { readonly kind: 'authenticated'; readonly user: ReviewedUser }
  /** By the server; worth caching. */
  | { readonly kind: 'rejected' }
  /** The server could not decide, or the token is malformed. */
  | { readonly kind: 'failed'; readonly error: string };

export interface TokenReviewer {
  /** @throws Error without a response; StatusError if we may not create reviews; what the limiter throws. */
  review(token: string, call?: ReviewOptions): Promise<TokenReviewResult>;
}

/** Throws if the signal aborts before the work. */
export type Limiter = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

export interface ReviewOptions {
  readonly signal?: AbortSignal;
  /** Wraps each try, so that backoffs delay no other review. */
  readonly limiter?: Limiter;
  readonly onRetry?: (error: unknown) => void;
}

/** As on the wire; one of the two kinds of attributes is set. */
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
  readonly reason: string;
}

export interface AccessReviewer {
  /** @throws as TokenReviewer's. */
  review(spec: SubjectAccessReviewSpec, call?: ReviewOptions): Promise<AccessReviewResult>;
}

export function createTokenReviewer(rest: RestClient, onReview?: OnReview): TokenReviewer {
  return {
    review: async (token, call) => {
      const answer = await post(rest, onReview, 'authentication.k8s.io', 'TokenReview', { token }, call, [token]);
      return parseTokenReview(answer, token);
    },
  };
}

export function createAccessReviewer(rest: RestClient, onReview?: OnReview): AccessReviewer {
  return {
    review: async (spec, call) =>
      parseAccessReview(await post(rest, onReview, 'authorization.k8s.io', 'SubjectAccessReview', spec, call)),
  };
}

/** As k8s.io/apiserver's delegates. */
const reviewTimeoutMs = 10_000;

async function post(
  rest: RestClient,
  onReview: OnReview = () => undefined,
  group: string,
  kind: string,
  spec: object,
  { signal, limiter = (work) => work(), onRetry }: ReviewOptions = {},
  secrets: readonly string[] = [],
): Promise<unknown> {
  const path = `/apis/${group}/v1/${kind.toLowerCase()}s`;
  const review = { kind, apiVersion: `${group}/v1`, metadata: {}, spec };
  const endMs = performance.now() + reviewTimeoutMs;
  const deadline = AbortSignal.timeout(reviewTimeoutMs);
  const options = {
    query: { timeout: `${reviewTimeoutMs / 1000}s` },
    timeoutMs: reviewTimeoutMs,
    secrets,
    signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
  };
  for (let tries = 1; ; tries += 1) {
    // The limiter's errors are not retried.
    const result = await limiter(() => attempt(rest, onReview, path, review, options), options.signal);
    if ('answer' in result) return result.answer;
    // A review stores nothing, so it is idempotent.
    const leftMs = endMs - performance.now();
    const waitMs = retryWaitMs(result.error, tries, leftMs, rest.outage.isRecent());
    if (waitMs === undefined || options.signal.aborted) throw result.error;
    onRetry?.(result.error);
    await sleep(waitMs, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

type AttemptResult = { readonly answer: unknown } | { readonly error: unknown };

async function attempt(
  rest: RestClient,
  onReview: OnReview,
  path: string,
  review: object,
  options: RequestOptions,
): Promise<AttemptResult> {
  const startedMs = performance.now();
  const report = (code: string) => onReview(code, (performance.now() - startedMs) / 1000);
  try {
    const answer = await rest.create(path, review, options);
    report('201');
    return { answer };
  } catch (error) {
    report(codeOf(error));
    return { error };
  }
}

/** As client-go's webhooks (k8s.io/apiserver/pkg/util/webhook, DefaultRetryBackoff). */
const mostTries = 5;
/** Below client-go's 500 ms: callers are served within a second of kube-apiserver's readiness. */
const firstWaitMs = 200;
const longestWaitMs = 1_000;
const waitFactor = 1.5;
/** Lengthens each wait by up to this share: callers must not return together after an outage. */
const waitJitter = 0.2;
const afterTooManyMs = 1_000;
/** That a Retry-After leaves for the last try. */
const lastTryMs = 1_000;

/** Returns undefined for no further try. @param afterOutage whether the server may have just started, and reject our own credentials. */
export function retryWaitMs(error: unknown, tries: number, leftMs: number, afterOutage: boolean): number | undefined {
  // The server may have closed an idle connection at the same moment.
  if (tries === 1 && isBrokenConnection(error)) return 0;
  if (leftMs <= lastTryMs) return undefined;
  const plainMs = Math.min(firstWaitMs * waitFactor ** (tries - 1), longestWaitMs);
  const backOffMs = plainMs * (1 + Math.random() * waitJitter);
  // These load no server, and the next address may work.
  if (isUnreachable(error)) return Math.min(backOffMs, leftMs - lastTryMs);
  if (tries >= mostTries) return undefined;
  if (isBrokenConnection(error)) return backOffMs;
  if (!(error instanceof StatusError) || !isPassing(error.code, afterOutage)) return undefined;
  const asked = error.details?.retryAfterSeconds;
  const askedMs = asked === undefined ? (error.code === 429 ? afterTooManyMs : 0) : asked * 1000;
  return Math.min(Math.max(backOffMs, askedMs), leftMs - lastTryMs);
}

function isPassing(code: number, afterOutage: boolean): boolean {
  return code === 429 || isOutageCode(code) || (afterOutage && (code === 401 || code === 403));
}

/** Redacts the token, which the server may repeat in its error. */
function parseTokenReview(body: unknown, token: string): TokenReviewResult {
  const status = field(body, 'status');
  const user = field(status, 'user');
  const error = text(field(status, 'error')) ?? '';
  if (error !== '') return { kind: 'failed', error: foreignText(error, { secrets: [token] }) };
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
  // As in kube-apiserver's webhook authorizer, denied overrides allowed.
  const allowed = field(status, 'allowed') === true && field(status, 'denied') !== true;
  return { allowed, reason: foreignText(text(field(status, 'reason')) ?? '') };
}
