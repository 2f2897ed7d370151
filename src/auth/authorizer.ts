/** Whether a user may do what a request wants: some need not be asked for, the rest kube-apiserver decides. */
import { escapeHtml, quote } from '../apimachinery/quote.ts';
import { forbidden, type StatusError } from '../apimachinery/status.ts';
import { type Attributes, nameOf } from './attributes.ts';
import type { AccessReviewer, AccessReviewResult } from '../client/reviews.ts';
import { describeError, type Logger } from '../logging.ts';
import { anonymousReviewsInFlight, limitPerUser, limitInFlight } from './userreviewlimit.ts';
import type { Refusals } from './refusals.ts';
import { type AccessOptions, createAccess } from './subjectaccessreview.ts';
import { isAnonymous, masters, type UserInfo } from './user.ts';

export interface Authorizer {
  /** Returns if the user may; throws StatusError Forbidden if not, ReviewUnavailable if no review could be had. */
  authorize(user: UserInfo, attributes: Attributes, signal: AbortSignal): Promise<void>;
  /** Reports whether the user may; false if no review could be had. For what no request depends on: a no is not logged as a refusal. */
  allows(user: UserInfo, attributes: Attributes, signal: AbortSignal): Promise<boolean>;
}

export interface AuthorizerOptions extends Omit<AccessOptions, 'limit'> {
  /** For anonymous requests; over connections of its own. */
  readonly anonymousReviewer: AccessReviewer;
  /** Paths that need no right; a trailing `*` stands for any rest. */
  readonly alwaysAllowPaths: readonly string[];
  readonly refusals: Pick<Refusals, 'refused'>;
  readonly log: Logger;
}

/** Answers to anonymous requests that are remembered; they choose paths as they like. */
const anonymousLimit = 1_024;

/** kube-apiserver gave no answer; the cause, which is for our log only, says why. */
export class ReviewUnavailable extends Error {
  constructor(cause: unknown) {
    super('cannot have kube-apiserver review access; is it up, and may we create subjectaccessreviews?', { cause });
    this.name = 'ReviewUnavailable';
  }
}

/** @throws Error for a path with a `*` anywhere but at its end. */
export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  const isOpen = pathMatcher(options.alwaysAllowPaths);
  const { refusals } = options;
  const telling = createTelling(options);
  const access = createAccess({ ...options, reviewer: limitPerUser(telling(options.reviewer)) });
  // Strangers get neither the connections nor the memory of those who are known.
  const anonymousAccess = createAccess({
    ...options,
    reviewer: limitInFlight(telling(options.anonymousReviewer), anonymousReviewsInFlight),
    limit: anonymousLimit,
  });
  return { authorize, allows };

  async function decide(user: UserInfo, attributes: Attributes, signal: AbortSignal): Promise<AccessReviewResult> {
    // While kube-apiserver cannot answer us, its own probes must still come through.
    if (user.groups.includes(masters)) return withoutReview;
    if (attributes.kind === 'path' && isOpen(attributes.path)) return withoutReview;
    return await (isAnonymous(user) ? anonymousAccess : access).review(user, attributes, signal);
  }

  function allows(user: UserInfo, attributes: Attributes, signal: AbortSignal): Promise<boolean> {
    return decide(user, attributes, signal).then(
      ({ allowed }) => allowed,
      () => false,
    );
  }

  async function authorize(user: UserInfo, attributes: Attributes, signal: AbortSignal): Promise<void> {
    const { allowed, reason } = await decide(user, attributes, signal).catch((error: unknown) => {
      if (!signal.aborted) refusals.refused({ cause: 'access-review', reason: describeError(error) });
      throw new ReviewUnavailable(error);
    });
    if (allowed) return;
    const denial = forbiddenStatus(user, attributes, reason);
    refusals.refused(
      isAnonymous(user)
        ? { cause: 'anonymous-denied', reason: denial.message }
        : { cause: 'denied', reason: denial.message, variant: user.name },
    );
    throw denial;
  }
}

const withoutReview: AccessReviewResult = { allowed: true, reason: '' };

/** Returns what tells when reviews begin to fail and when they work again; not for each request that it strikes. */
function createTelling({ staleAllowMs = 0, log }: AuthorizerOptions): (reviewer: AccessReviewer) => AccessReviewer {
  const meanwhile =
    staleAllowMs > 0
      ? `who was let in before is for ${staleAllowMs / 1000} s more, others are refused`
      : 'who needs a review is refused';
  let failing = false;
  return (reviewer) => ({
    async review(spec, call) {
      try {
        const result = await reviewer.review(spec, call);
        if (failing) log.info({}, 'access is reviewed again');
        failing = false;
        return result;
      } catch (error) {
        if (!failing) log.warn({ err: error }, `access cannot be reviewed; ${meanwhile}`);
        failing = true;
        throw error;
      }
    },
  });
}

/** The refusal in Kubernetes' words; clients show them, and people search for them. */
export function forbiddenStatus(user: UserInfo, attributes: Attributes, reason: string): StatusError {
  const why = reason === '' ? refusal(user, attributes) : `${refusal(user, attributes)}: ${reason}`;
  return attributes.kind === 'path' ? forbidden(undefined, '', why) : forbidden(attributes, nameOf(attributes), why);
}

function refusal({ name }: UserInfo, attributes: Attributes): string {
  const who = `User ${quote(name)} cannot ${attributes.verb}`;
  if (attributes.kind === 'path') return escapeHtml(`${who} path ${quote(attributes.path)}`);
  const { group, resource, subresource, namespace } = attributes;
  const what = `resource ${quote(subresource === '' ? resource : `${resource}/${subresource}`)} in API group ${quote(group)}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${quote(namespace)}`;
  return escapeHtml(`${who} ${what} ${where}`);
}

/** A leading slash means nothing, in the patterns as in the path. */
function pathMatcher(patterns: readonly string[]): (path: string) => boolean {
  const exact = new Set<string>();
  const prefixes: string[] = [];
  for (const pattern of patterns.map(withoutSlash)) {
    const star = pattern.indexOf('*');
    if (star !== -1 && star < pattern.length - 1) {
      throw new Error(`path ${JSON.stringify(pattern)} has a * that is not at its end; name the paths one by one`);
    }
    if (star === -1) exact.add(pattern);
    else prefixes.push(pattern.slice(0, -1));
  }
  return (path) => exact.has(withoutSlash(path)) || prefixes.some((prefix) => withoutSlash(path).startsWith(prefix));
}

function withoutSlash(path: string): string {
  return path.replace(/^\//, '');
}
