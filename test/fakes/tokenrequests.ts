/** TokenRequests of the fake API server: who exists, whose tokens may be requested, and which were issued. */
import type { ServerResponse } from 'node:http';
import { refuse, reply } from './apiread.ts';

export interface TokenRequests {
  /** ServiceAccounts that exist, as <namespace>/<name>. */
  readonly accounts: Set<string>;
  /** Those whose tokens may be requested. */
  readonly allowed: Set<string>;
  /** Seconds that tokens live, whatever is requested. */
  lifeSeconds: number | undefined;
  /** All tokens, oldest first. */
  readonly issued: readonly IssuedFakeToken[];
  /** Replaces the body of answers, to damage it. */
  damage: ((answer: Record<string, object>) => object) | undefined;
}

export interface IssuedFakeToken {
  readonly account: string;
  readonly token: string;
  readonly expirationSeconds: number;
}

export interface TokenIssuer extends TokenRequests {
  /** Reports whether it was a TokenRequest; it is answered then. */
  serve(path: string, body: string, response: ServerResponse): boolean;
}

/** MinTokenAgeSec of kube-apiserver. */
const shortestSeconds = 600;

export function createTokenIssuer(): TokenIssuer {
  const issued: IssuedFakeToken[] = [];
  const issuer: TokenIssuer = {
    accounts: new Set(),
    allowed: new Set(),
    lifeSeconds: undefined,
    issued,
    damage: undefined,
    serve,
  };
  return issuer;

  function serve(path: string, body: string, response: ServerResponse): boolean {
    const { namespace, name } =
      /^\/api\/v1\/namespaces\/(?<namespace>[^/]+)\/serviceaccounts\/(?<name>[^/]+)\/token$/.exec(path)?.groups ?? {};
    if (namespace === undefined || name === undefined) return false;
    const account = `${namespace}/${name}`;
    const request = JSON.parse(body);
    // In the order of kube-apiserver: authorization, existence, validation.
    if (!issuer.allowed.has(account)) {
      const who = `User "fake" cannot create resource "serviceaccounts/token" in API group "" in the namespace "${namespace}"`;
      refuse(response, 403, `serviceaccounts "${name}" is forbidden: ${who}`);
    } else if (!issuer.accounts.has(account)) refuse(response, 404, `serviceaccounts "${name}" not found`);
    else if (request.kind !== 'TokenRequest' || request.apiVersion !== 'authentication.k8s.io/v1')
      refuse(response, 400, 'the object is no TokenRequest');
    else if (!(request.spec.expirationSeconds >= shortestSeconds))
      refuse(response, 422, 'may not specify a duration less than 10 minutes');
    else reply(response, 201, answerTo(request, account));
    return true;
  }

  function answerTo(request: Record<string, object>, account: string): object {
    const spec = { ...(request['spec'] as { readonly expirationSeconds: number }) };
    spec.expirationSeconds = issuer.lifeSeconds ?? spec.expirationSeconds;
    // Without the account's name, which messages would then have redacted.
    const token = `issued.token-${issued.length + 1}`;
    issued.push({ account, token, expirationSeconds: spec.expirationSeconds });
    const expirationTimestamp = new Date(Date.now() + spec.expirationSeconds * 1000).toISOString();
    const answer = { ...request, spec, status: { token, expirationTimestamp } };
    return issuer.damage?.(answer) ?? answer;
  }
}
