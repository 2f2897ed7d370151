/** Authorizes requests, mostly by kube-apiserver's reviews. */
import { escapeHtml, quote } from '../apimachinery/quote.ts';
import { forbidden, type StatusError } from '../apimachinery/status.ts';
import { type Attributes, nameOf } from './attributes.ts';
import type { AccessReviewer, AccessReviewResult } from '../client/reviews.ts';
import { describeError, type Logger } from '../logging.ts';
import { anonymousReviewsInFlight, limitPerUser, limitInFlight } from './userreviewlimit.ts';
import type { Refusals } from './refusals.ts';
import type { Waiter } from './reviewcache.ts';
import { type AccessOptions, createAccess } from './subjectaccessreview.ts';
import { isAnonymous, masters, type UserInfo } from './user.ts';

export interface Authorizer {
  /** Throws StatusError Forbidden, or ReviewUnavailable. */
  authorize(user: UserInfo, attributes: Attributes, waiter: Waiter): Promise<void>;
  /** For optional content: false if the review failed; logs no denial. */
  allows(user: UserInfo, attributes: Attributes, waiter: Waiter): Promise<boolean>;
}

export interface AuthorizerOptions extends Omit<AccessOptions, 'limit'> {
  /** With its own connections. */
  readonly anonymousReviewer: AccessReviewer;
  /** `*` at the end matches any rest. */
  readonly alwaysAllowPaths: readonly string[];
  readonly refusals: Pick<Refusals, 'refused'>;
  readonly log: Logger;
}

/** Cached reviews. */
const anonymousLimit = 1_024;

/** Hides the cause from clients; it is for our log. */
export class ReviewUnavailable extends Error {
  constructor(cause: unknown) {
    super('kube-apiserver did not review the access; is it up, and may this server create subjectaccessreviews?', {
      cause,
    });
    this.name = 'ReviewUnavailable';
  }
}

/** @throws Error for a path with a `*` before its end. */
export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  const isOpen = pathMatcher(options.alwaysAllowPaths);
  const { refusals } = options;
  const logged = createOutageLog(options);
  const access = createAccess({ ...options, reviewer: limitPerUser(logged(options.reviewer)) });
  // Anonymous clients share neither connections nor cache with users.
  const anonymousAccess = createAccess({
    ...options,
    reviewer: limitInFlight(logged(options.anonymousReviewer), anonymousReviewsInFlight),
    limit: anonymousLimit,
  });
  return { authorize, allows };

  async function decide(user: UserInfo, attributes: Attributes, waiter: Waiter): Promise<AccessReviewResult> {
    // kube-apiserver's probes must be served while it cannot answer reviews.
    if (user.groups.includes(masters)) return withoutReview;
    if (attributes.kind === 'path' && isOpen(attributes.path)) return withoutReview;
    return await (isAnonymous(user) ? anonymousAccess : access).review(user, attributes, waiter);
  }

  function allows(user: UserInfo, attributes: Attributes, waiter: Waiter): Promise<boolean> {
    return decide(user, attributes, waiter).then(
      ({ allowed }) => allowed,
      () => false,
    );
  }

  async function authorize(user: UserInfo, attributes: Attributes, waiter: Waiter): Promise<void> {
    const { allowed, reason } = await decide(user, attributes, waiter).catch((error: unknown) => {
      if (!waiter.signal.aborted) refusals.refused({ code: 'AccessReviewFailed', reason: describeError(error) });
      throw new ReviewUnavailable(error);
    });
    if (allowed) return;
    const denial = forbiddenStatus(user, attributes, reason);
    refusals.refused(
      isAnonymous(user)
        ? { code: 'AnonymousDenied', reason: denial.message }
        : { code: 'UserDenied', reason: denial.message, variant: user.name },
    );
    throw denial;
  }
}

const withoutReview: AccessReviewResult = { allowed: true, reason: '' };

/** Logs the begin and end of an outage. */
function createOutageLog({ staleAllowMs = 0, log }: AuthorizerOptions): (reviewer: AccessReviewer) => AccessReviewer {
  const meanwhile =
    staleAllowMs > 0
      ? `users that were allowed before stay allowed for ${staleAllowMs / 1000} s, all others are denied`
      : 'requests that need one are denied';
  let failing = false;
  return (reviewer) => ({
    async review(spec, call) {
      try {
        const result = await reviewer.review(spec, call);
        if (failing) log.info({}, 'access reviews work again');
        failing = false;
        return result;
      } catch (error) {
        if (!failing) log.warn({ code: 'AccessReviewFailed', err: error }, `access reviews fail; ${meanwhile}`);
        failing = true;
        throw error;
      }
    },
  });
}

/** Returns Kubernetes' words, which people search for. */
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

/** Ignores leading slashes. */
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
