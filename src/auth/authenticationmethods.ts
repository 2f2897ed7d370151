/** Authenticates by front proxy, client certificate or bearer token. */
import type { X509Certificate } from 'node:crypto';
import { quote } from '../apimachinery/quote.ts';
import type { Clock } from '../clock.ts';
import { foreignText } from '../foreigntext.ts';
import { describeError } from '../logging.ts';
import type { RefusalCode } from '../messagecodes.ts';
import { bearerToken } from './bearer.ts';
import { commonNameOf, userFromCertificate } from './certificateuser.ts';
import { createVerifier } from './chaincache.ts';
import { perConnection } from './perconnection.ts';
import { userFromHeaders } from './requestheader.ts';
import type { Waiter } from './reviewcache.ts';
import type { AuthenticationSettings } from './settings.ts';
import type { TokenAuthenticator } from './tokenreview.ts';
import { QueueFullError } from './tokenreviewqueue.ts';
import type { UserInfo } from './user.ts';

export interface RequestCredentials {
  /** Alternating names and values, in Latin-1. */
  readonly rawHeaders: readonly string[];
  /** Its issuerCertificate leads through the client's others. */
  readonly certificate: X509Certificate | undefined;
  /** The same object for all requests of a connection. */
  readonly connection: object;
  readonly address: string;
}

export class RejectedCredentials extends Error {
  readonly refusal: RefusalCode;

  constructor(refusal: RefusalCode, reason: string) {
    super(reason);
    this.refusal = refusal;
  }
}

/** Undefined without such credentials. Throws RejectedCredentials for invalid ones. */
export type AuthenticationMethod = (
  credentials: RequestCredentials,
  waiter: Waiter,
) => UserInfo | undefined | Promise<UserInfo | undefined>;

export interface MethodOptions {
  readonly settings: { current(): AuthenticationSettings };
  readonly tokens: TokenAuthenticator;
  readonly clock: Clock;
}

/** Returns the methods in kube-apiserver's order. */
export function createMethods({ settings, tokens, clock }: MethodOptions): readonly AuthenticationMethod[] {
  const verifier = createVerifier(clock);
  const nameOf = perConnection(commonNameOf);
  const userOf = perConnection(userFromCertificate);
  return [frontProxy, clientCertificate, token];

  /** Anyone can send the headers: requires a certificate of the front proxies' CA. */
  function frontProxy({ certificate, connection, rawHeaders }: RequestCredentials): UserInfo | undefined {
    const { requestHeader } = settings.current();
    if (certificate === undefined || requestHeader === undefined) return undefined;
    const user = userFromHeaders(rawHeaders, requestHeader.headers);
    const reject = (cause: RefusalCode, reason: string) =>
      // Without a user in its headers the peer is a client.
      new RejectedCredentials(user === undefined ? 'ClientCertificate' : cause, `as a front proxy: ${reason}`);
    const result = verifier.verify(certificate, connection, requestHeader.ca);
    if (result.kind === 'untrusted') throw reject('FrontProxyCertificate', result.reason);
    const name = nameOf(certificate, connection);
    if (requestHeader.allowedNames.length > 0 && !requestHeader.allowedNames.includes(name)) {
      throw reject('FrontProxyName', `${quote(name)} is not in requestheader-allowed-names`);
    }
    return user;
  }

  function clientCertificate({ certificate, connection }: RequestCredentials): UserInfo | undefined {
    const { clientCa } = settings.current();
    if (certificate === undefined || clientCa === undefined) return undefined;
    const result = verifier.verify(certificate, connection, clientCa);
    if (result.kind === 'untrusted')
      throw new RejectedCredentials('ClientCertificate', `as a client: ${result.reason}`);
    return userOf(certificate, connection);
  }

  async function token(credentials: RequestCredentials, waiter: Waiter): Promise<UserInfo | undefined> {
    const given = bearerToken(credentials.rawHeaders);
    if (given === undefined) return undefined;
    const result = await tokens.authenticate(given, credentials, waiter).catch((error: unknown) => {
      waiter.signal.throwIfAborted();
      if (error instanceof QueueFullError) throw error;
      throw new RejectedCredentials('TokenReviewFailed', foreignText(describeError(error), { secrets: [given] }));
    });
    if (result.kind === 'invalid') throw new RejectedCredentials('TokenInvalid', result.reason);
    return result.user;
  }
}
