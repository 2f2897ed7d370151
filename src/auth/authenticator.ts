/**
 * Who sent a request. The ways to say so are tried in kube-apiserver's order: front proxy, client certificate, bearer token. The first that
 * works counts, one that fails is passed over; whoever showed only what failed is refused, whoever showed nothing is anonymous.
 */
import type { X509Certificate } from 'node:crypto';
import { StatusError, unauthorized } from '../apimachinery/status.ts';
import { quote } from '../apimachinery/quote.ts';
import type { TokenReviewer } from '../client/reviews.ts';
import type { Clock } from '../clock.ts';
import { foreignText } from '../foreigntext.ts';
import { describeError } from '../logging.ts';
import { bearerToken } from './bearer.ts';
import { perConnection } from './perconnection.ts';
import { hasHeaderWithPrefix } from './rawheaders.ts';
import type { RefusalCause, Refusals } from './refusals.ts';
import { userFromHeaders } from './requestheader.ts';
import type { AuthenticationSettings } from './settings.ts';
import { QueueFullError } from './tokenreviewqueue.ts';
import { createTokenAuthenticator } from './tokenreview.ts';
import { anonymous, type UserInfo, withAuthenticatedGroup } from './user.ts';
import { createVerifier } from './chaincache.ts';
import { commonNameOf, userFromCertificate } from './certificateuser.ts';

export type { UserInfo } from './user.ts';

/** What a request shows of its sender. */
export interface RequestCredentials {
  /** Names and values in turn, as Node has them: one entry per line, each byte a character of Latin-1. */
  readonly rawHeaders: readonly string[];
  /** The client's own certificate; its issuerCertificate leads through the others that the client sent. */
  readonly certificate: X509Certificate | undefined;
  /** The same object for all requests of one connection, and for no other. */
  readonly connection: object;
  /** The client's IP address; empty where the connection is closed. */
  readonly address: string;
}

export interface Authenticator {
  /** Throws StatusError: Unauthorized, or Forbidden for a request that wants to impersonate. */
  authenticate(credentials: RequestCredentials, signal: AbortSignal): Promise<UserInfo>;
}

export interface AuthenticatorOptions {
  readonly settings: { current(): AuthenticationSettings };
  readonly reviewer: TokenReviewer;
  /** For tokens that were never good; over connections of its own. */
  readonly unknownTokenReviewer: TokenReviewer;
  /** How long a good token is remembered, in milliseconds. */
  readonly tokenTtlMs: number;
  readonly clock: Clock;
  readonly refusals: Pick<Refusals, 'refused'>;
}

/** RequestCredentials that are not accepted, and why. */
class RejectedCredentials extends Error {
  readonly refusal: RefusalCause;

  constructor(refusal: RefusalCause, reason: string) {
    super(reason);
    this.refusal = refusal;
  }
}

/** One way to say who one is: the user, undefined where nothing of the kind is shown, or RejectedCredentials thrown where it is not valid. */
type AuthenticationMethod = (
  credentials: RequestCredentials,
  signal: AbortSignal,
) => UserInfo | undefined | Promise<UserInfo | undefined>;

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { settings, reviewer, unknownTokenReviewer, tokenTtlMs, clock, refusals } = options;
  const verifier = createVerifier(clock);
  const nameOf = perConnection(commonNameOf);
  const userOf = perConnection(userFromCertificate);
  const tokens = createTokenAuthenticator({ reviewer, unknownTokenReviewer, ttlMs: tokenTtlMs, clock });
  const methods: readonly AuthenticationMethod[] = [frontProxy, clientCertificate, token];
  return { authenticate };

  async function authenticate(credentials: RequestCredentials, signal: AbortSignal): Promise<UserInfo> {
    const user = (await identify(credentials, signal)) ?? anonymous;
    refuseImpersonation(credentials);
    return withAuthenticatedGroup(user);
  }

  async function identify(credentials: RequestCredentials, signal: AbortSignal): Promise<UserInfo | undefined> {
    const failures: Error[] = [];
    for (const method of methods) {
      try {
        const user = await method(credentials, signal);
        if (user === undefined) continue;
        // A front proxy that is taken for a client would act for all of its users by its own name.
        record(credentials, failures.filter(isOfFrontProxy));
        return user;
      } catch (error) {
        // Not a no: the client is to come again.
        if (error instanceof QueueFullError) throw error;
        failures.push(error instanceof Error ? error : new Error(String(error)));
      }
    }
    signal.throwIfAborted();
    if (failures.length === 0) return undefined;
    record(credentials, failures);
    throw unauthorized({ cause: new AggregateError(failures, failures.map(String).join('; ')) });
  }

  /** Several failures are one refusal, by the first that says what the client wanted to be. */
  function record({ address }: RequestCredentials, failures: readonly Error[]): void {
    const refused = failures.filter((failure) => failure instanceof RejectedCredentials);
    const [first] = refused.filter(isOfFrontProxy).concat(refused.toReversed());
    if (first === undefined) return;
    const reason = refused.map(({ message }) => message).join('; ');
    // Reviews of tokens differ by texts of others.
    const variant = first.refusal.endsWith('-certificate') ? reason : '';
    refusals.refused({ cause: first.refusal, reason, variant, address });
  }

  /** Headers count only from a certificate of the front proxies' own CA: anybody can send them. */
  function frontProxy({ certificate, connection, rawHeaders }: RequestCredentials): UserInfo | undefined {
    const { requestHeader } = settings.current();
    if (certificate === undefined || requestHeader === undefined) return undefined;
    const user = userFromHeaders(rawHeaders, requestHeader.headers);
    const refuse = (cause: RefusalCause, reason: string) =>
      // Without a user in its headers it is no front proxy, but a client.
      new RejectedCredentials(user === undefined ? 'client-certificate' : cause, `as a front proxy: ${reason}`);
    const verdict = verifier.verify(certificate, connection, requestHeader.ca);
    if (verdict.kind === 'untrusted') throw refuse('front-proxy-certificate', verdict.reason);
    const name = nameOf(certificate, connection);
    if (requestHeader.allowedNames.length > 0 && !requestHeader.allowedNames.includes(name)) {
      throw refuse('front-proxy-name', `${quote(name)} is not in requestheader-allowed-names`);
    }
    return user;
  }

  function clientCertificate({ certificate, connection }: RequestCredentials): UserInfo | undefined {
    const { clientCa } = settings.current();
    if (certificate === undefined || clientCa === undefined) return undefined;
    const verdict = verifier.verify(certificate, connection, clientCa);
    if (verdict.kind === 'untrusted') {
      throw new RejectedCredentials('client-certificate', `as a client: ${verdict.reason}`);
    }
    return userOf(certificate, connection);
  }

  async function token(credentials: RequestCredentials, signal: AbortSignal): Promise<UserInfo | undefined> {
    const shown = bearerToken(credentials.rawHeaders);
    if (shown === undefined) return undefined;
    const verdict = await tokens.authenticate(shown, credentials, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      if (!(error instanceof QueueFullError))
        throw new RejectedCredentials('token-review', foreignText(describeError(error), { secrets: [shown] }));
      refusals.refused({ cause: 'token-line', reason: error.message, address: credentials.address });
      throw error;
    });
    if (verdict.kind === 'invalid') throw new RejectedCredentials('token', verdict.reason);
    return verdict.user;
  }

  /**
   * kube-apiserver impersonates by itself and never sends these on. Here they would be ignored, and the request run with the caller's own
   * rights, which may be larger.
   */
  function refuseImpersonation({ rawHeaders, address }: RequestCredentials): void {
    if (!hasHeaderWithPrefix(rawHeaders, 'impersonate-')) return;
    refusals.refused({ cause: 'impersonation', reason: 'the request has Impersonate headers', address });
    const message =
      'Impersonate headers are not accepted here: send the request through kube-apiserver, which impersonates by itself';
    throw new StatusError('Forbidden', message, { details: {} });
  }
}

function isOfFrontProxy(failure: Error): boolean {
  return failure instanceof RejectedCredentials && failure.refusal.startsWith('front-proxy');
}
