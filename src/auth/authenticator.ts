/**
 * Authenticates by the first method that yields a user. If all fail, the request is Unauthorized; without credentials
 * it is anonymous.
 */
import { StatusError, unauthorized } from '../apimachinery/status.ts';
import type { TokenReviewer } from '../client/reviews.ts';
import type { Clock } from '../clock.ts';
import { createMethods, RejectedCredentials, type RequestCredentials } from './authenticationmethods.ts';
import { hasHeaderWithPrefix } from './rawheaders.ts';
import type { Refusals } from './refusals.ts';
import type { Waiter } from './reviewcache.ts';
import type { AuthenticationSettings } from './settings.ts';
import { createTokenAuthenticator } from './tokenreview.ts';
import { QueueFullError } from './tokenreviewqueue.ts';
import { anonymous, type UserInfo, withAuthenticatedGroup } from './user.ts';

export type { RequestCredentials } from './authenticationmethods.ts';
export type { UserInfo } from './user.ts';

export interface Authenticator {
  /** Throws StatusError Unauthorized, Forbidden for impersonation, TooManyRequests for a full queue. */
  authenticate(credentials: RequestCredentials, waiter: Waiter): Promise<UserInfo>;
}

export interface AuthenticatorOptions {
  readonly settings: { current(): AuthenticationSettings };
  readonly reviewer: TokenReviewer;
  /** With its own connections. */
  readonly unknownTokenReviewer: TokenReviewer;
  /** Milliseconds. */
  readonly tokenTtlMs: number;
  readonly clock: Clock;
  readonly refusals: Pick<Refusals, 'refused' | 'authenticated'>;
}

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { settings, reviewer, unknownTokenReviewer, tokenTtlMs, clock, refusals } = options;
  const tokens = createTokenAuthenticator({ reviewer, unknownTokenReviewer, ttlMs: tokenTtlMs, clock });
  const methods = createMethods({ settings, tokens, clock });
  return { authenticate };

  async function authenticate(credentials: RequestCredentials, waiter: Waiter): Promise<UserInfo> {
    const user = (await identify(credentials, waiter)) ?? anonymous;
    refuseImpersonation(credentials);
    return withAuthenticatedGroup(user);
  }

  async function identify(credentials: RequestCredentials, waiter: Waiter): Promise<UserInfo | undefined> {
    const failures: Error[] = [];
    for (const method of methods) {
      try {
        const user = await method(credentials, waiter);
        if (user === undefined) continue;
        refusals.authenticated(credentials.address);
        // A front proxy acts under its own name for all users.
        record(credentials, failures.filter(isOfFrontProxy));
        return user;
      } catch (error) {
        // The token may be valid: the client has to retry.
        if (error instanceof QueueFullError) {
          refusals.refused({ code: 'TokenQueueFull', reason: error.message, address: credentials.address });
          throw error;
        }
        failures.push(error instanceof Error ? error : new Error(String(error)));
      }
    }
    waiter.signal.throwIfAborted();
    if (failures.length === 0) return undefined;
    record(credentials, failures);
    throw unauthorized({ cause: new AggregateError(failures, failures.map(String).join('; ')) });
  }

  function record({ address }: RequestCredentials, failures: readonly Error[]): void {
    const rejected = failures.filter((failure) => failure instanceof RejectedCredentials);
    const [first] = rejected.filter(isOfFrontProxy).concat(rejected.toReversed());
    if (first === undefined) return;
    const reason = rejected.map(({ message }) => message).join('; ');
    // Other reasons repeat foreign text: they are no variants.
    const variant = first.refusal.endsWith('Certificate') ? reason : '';
    refusals.refused({ code: first.refusal, reason, variant, address });
  }

  /** kube-apiserver never forwards these. Ignoring them would use the caller's own rights, which may be larger. */
  function refuseImpersonation({ rawHeaders, address }: RequestCredentials): void {
    if (!hasHeaderWithPrefix(rawHeaders, 'impersonate-')) return;
    refusals.refused({ code: 'ImpersonationRefused', reason: 'the request has Impersonate headers', address });
    const message =
      'Impersonate headers are not accepted here: send the request through kube-apiserver, which impersonates by itself';
    throw new StatusError('Forbidden', message, { details: {} });
  }
}

function isOfFrontProxy(failure: Error): boolean {
  return failure instanceof RejectedCredentials && failure.refusal.startsWith('FrontProxy');
}
