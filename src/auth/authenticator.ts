/**
 * Who sent a request. The ways to say so are tried in kube-apiserver's order: front proxy, client certificate, bearer token. The first that
 * works counts, one that fails is passed over; whoever showed only what failed is refused, whoever showed nothing is anonymous.
 */
import type { X509Certificate } from 'node:crypto';
import { StatusError, unauthorized } from '../apimachinery/status.ts';
import type { TokenReviewer } from '../client/reviews.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import { bearerToken } from './bearer.ts';
import { perConnection } from './perconnection.ts';
import { userFromHeaders } from './requestheader.ts';
import type { AuthenticationSettings } from './settings.ts';
import { createTokenAuthenticator } from './tokenreview.ts';
import { anonymous, type UserInfo, withAuthenticatedGroup } from './user.ts';
import { createVerifier } from './verification.ts';
import { commonNameOf, userFromCertificate } from './x509.ts';

export type { UserInfo } from './user.ts';

/** What a request shows of its sender. */
export interface Credentials {
  /** Names and values in turn, as Node has them: one entry per line, each byte a character of Latin-1. */
  readonly rawHeaders: readonly string[];
  /** The client's own certificate; its issuerCertificate leads through the others that the client sent. */
  readonly certificate: X509Certificate | undefined;
  /** The same object for all requests of one connection, and for no other. */
  readonly connection: object;
}

export interface Authenticator {
  /** Throws StatusError: Unauthorized, or Forbidden for a request that wants to impersonate. */
  authenticate(credentials: Credentials, signal: AbortSignal): Promise<UserInfo>;
}

export interface AuthenticatorOptions {
  readonly settings: { current(): AuthenticationSettings };
  readonly reviewer: TokenReviewer;
  /** How long a TokenReview is remembered, in milliseconds. */
  readonly tokenTtlMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** One way to say who one is: the user, undefined where nothing of the kind is shown, or an Error thrown where it is not valid. */
type Step = (credentials: Credentials, signal: AbortSignal) => UserInfo | undefined | Promise<UserInfo | undefined>;

export function createAuthenticator({
  settings,
  reviewer,
  tokenTtlMs,
  clock,
  log,
}: AuthenticatorOptions): Authenticator {
  const verifier = createVerifier(clock);
  const nameOf = perConnection(commonNameOf);
  const userOf = perConnection(userFromCertificate);
  const tokens = createTokenAuthenticator({ reviewer, ttlMs: tokenTtlMs, clock });
  const steps: readonly Step[] = [frontProxy, clientCertificate, token];
  return { authenticate };

  async function authenticate(credentials: Credentials, signal: AbortSignal): Promise<UserInfo> {
    const user = (await identify(credentials, signal)) ?? anonymous;
    refuseImpersonation(credentials.rawHeaders);
    return withAuthenticatedGroup(user);
  }

  async function identify(credentials: Credentials, signal: AbortSignal): Promise<UserInfo | undefined> {
    const failures: unknown[] = [];
    for (const step of steps) {
      try {
        const user = await step(credentials, signal);
        if (user !== undefined) return user;
      } catch (error) {
        failures.push(error);
      }
    }
    signal.throwIfAborted();
    if (failures.length === 0) return undefined;
    const cause = new AggregateError(failures, failures.map(String).join('; '));
    log.debug({ err: cause }, 'refused credentials');
    throw unauthorized({ cause });
  }

  /** Headers count only from a certificate of the front proxies' own CA: anybody can send them. */
  function frontProxy({ certificate, connection, rawHeaders }: Credentials): UserInfo | undefined {
    const { requestHeader } = settings.current();
    if (certificate === undefined || requestHeader === undefined) return undefined;
    const verdict = verifier.verify(certificate, connection, requestHeader.ca);
    if (verdict.kind === 'untrusted') throw new Error(`not a front proxy: ${verdict.reason}`);
    const name = nameOf(certificate, connection);
    if (requestHeader.allowedNames.length > 0 && !requestHeader.allowedNames.includes(name)) {
      throw new Error(`not a front proxy: ${JSON.stringify(name)} is not in requestheader-allowed-names`);
    }
    return userFromHeaders(rawHeaders, requestHeader.headers);
  }

  function clientCertificate({ certificate, connection }: Credentials): UserInfo | undefined {
    const { clientCa } = settings.current();
    if (certificate === undefined || clientCa === undefined) return undefined;
    const verdict = verifier.verify(certificate, connection, clientCa);
    if (verdict.kind === 'untrusted') throw new Error(`not a client: ${verdict.reason}`);
    return userOf(certificate, connection);
  }

  async function token({ rawHeaders }: Credentials, signal: AbortSignal): Promise<UserInfo | undefined> {
    const shown = bearerToken(rawHeaders);
    if (shown === undefined) return undefined;
    const user = await tokens.authenticate(shown, signal);
    if (user === undefined) throw new Error('the bearer token is not valid');
    return user;
  }
}

/**
 * kube-apiserver impersonates by itself and never sends these on. Here they would be ignored, and the request run with the caller's own
 * rights, which may be larger.
 */
function refuseImpersonation(rawHeaders: readonly string[]): void {
  const asked = rawHeaders.some((name, at) => at % 2 === 0 && name.toLowerCase().startsWith('impersonate-'));
  if (!asked) return;
  const message =
    'Impersonate headers are not accepted here: send the request through kube-apiserver, which impersonates by itself';
  throw new StatusError('Forbidden', message, { details: {} });
}
