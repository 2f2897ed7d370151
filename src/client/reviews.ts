/** Asks kube-apiserver whose a token is (TokenReview) and what somebody may do (SubjectAccessReview). */
import { field, text, texts } from './json.ts';
import { codeOf, type OnReview } from './metrics.ts';
import { isBrokenConnection, type RestClient } from './rest.ts';

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
  try {
    return await rest.create(path, review, options);
  } catch (error) {
    // The server may have closed an idle connection just as we wrote to it. A review stores nothing, so asking twice is asking once.
    if (!isBrokenConnection(error)) throw error;
    return rest.create(path, review, options);
  }
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
