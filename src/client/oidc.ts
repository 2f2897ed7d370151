/**
 * Gets ID tokens by a kubeconfig's auth-provider oidc. An expired one is refreshed at the identity provider, over
 * connections that are guarded like those to kube-apiserver.
 */
import type { Clock } from '../clock.ts';
import { Lookups } from '../dns/lookup.ts';
import { systemResolver } from '../dns/systemresolver.ts';
import { foreignText } from '../foreigntext.ts';
import { parseTrustBundle, type TrustLog } from '../tls/trustbundle.ts';
import { readRegularFile } from '../watchedfile.ts';
import { apiServerConnector } from './connector.ts';
import { field, parseJson, text } from './json.ts';
import { claimsOf } from './jwt.ts';
import { readBody } from './response.ts';
import { Pool } from './undici.ts';

export interface OidcOptions {
  /** The auth-provider's `config`. */
  readonly config: unknown;
  readonly clock: Clock;
  readonly log: TrustLog | undefined;
}

/** Milliseconds before its end from which a token counts as expired, as in client-go. */
const expiryMarginMs = 10_000;
const connectTimeoutMs = 10_000;
/** Bytes of a CA bundle. */
const caLimitBytes = 16 * 1024 * 1024;
/** Bytes of a response; discovery documents have some KB. */
export const responseLimitBytes = 1024 * 1024;

/** Returns a function that returns a valid ID token; it rejects when the signal aborts. */
export function createOidcToken({ config, clock, log }: OidcOptions): (signal: AbortSignal) => Promise<string> {
  const entry = (name: string) => text(field(config, name)) || undefined;
  let idToken = entry('id-token');
  let refreshToken = entry('refresh-token');
  return async (signal) => {
    if (idToken !== undefined && clock.wallMs() < expiryMs(idToken) - expiryMarginMs) return idToken;
    const [issuer, clientId] = [entry('idp-issuer-url'), entry('client-id')];
    if (issuer === undefined || clientId === undefined || refreshToken === undefined) {
      throw new Error(
        'the id-token has expired or is missing, and cannot be refreshed without idp-issuer-url, client-id and refresh-token; log in again',
      );
    }
    const client = { clientId, clientSecret: entry('client-secret') ?? '', refreshToken };
    const granted = await refresh(issuer, client, authoritiesOf(entry, log), signal);
    const next = text(field(granted, 'id_token'));
    if (next === undefined) throw new Error('the identity provider returned no id_token; it may need the scope openid');
    idToken = next;
    refreshToken = text(field(granted, 'refresh_token')) ?? refreshToken;
    return idToken;
  };
}

interface OidcClient {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly refreshToken: string;
}

/** Returns undefined for the system's roots. */
function authoritiesOf(entry: (name: string) => string | undefined, log: TrustLog | undefined): string | undefined {
  const [data, file] = [entry('idp-certificate-authority-data'), entry('idp-certificate-authority')];
  const pem =
    data === undefined ? file && readRegularFile(file, caLimitBytes) : Buffer.from(data, 'base64').toString('utf8');
  return pem && parseTrustBundle(pem, file ?? 'idp-certificate-authority-data', log).pem;
}

/** Returns milliseconds since the epoch; 0 for what is no token. */
function expiryMs(token: string): number {
  const seconds = field(claimsOf(token), 'exp');
  return typeof seconds === 'number' ? seconds * 1000 : 0;
}

/** Sends the client's secret in the header first, then in the body, as client-go: providers take one of the two. */
async function refresh(
  issuer: string,
  { clientId, clientSecret, refreshToken }: OidcClient,
  ca: string | undefined,
  signal: AbortSignal,
): Promise<unknown> {
  const discovered = await exchange(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, ca, signal, []);
  const endpoint = text(field(discovered.body, 'token_endpoint'));
  if (discovered.status !== 200 || endpoint === undefined) {
    throw new Error(`the identity provider ${foreignText(issuer)} has no OpenID discovery document`);
  }
  const grant = { grant_type: 'refresh_token', refresh_token: refreshToken };
  const secrets = [refreshToken, clientSecret].filter((each) => each !== '');
  const basic = [clientId, clientSecret].map(encodeURIComponent).join(':');
  const attempts = [
    ...(clientSecret === '' ? [] : [{ form: grant, authorization: `Basic ${btoa(basic)}` }]),
    {
      form: { ...grant, client_id: clientId, ...(clientSecret !== '' && { client_secret: clientSecret }) },
      authorization: undefined,
    },
  ];
  let problem = '';
  for (const attempt of attempts) {
    const { status, body } = await exchange(endpoint, ca, signal, secrets, attempt);
    if (status === 200) return body;
    const reasons = ['error', 'error_description'].map((name) => text(field(body, name)) ?? '');
    problem = `${status} ${foreignText(reasons.join(' ').trim(), { secrets })}`.trim();
  }
  throw new Error(`the identity provider refused to refresh the id-token: ${problem}; log in again`);
}

interface TokenRequest {
  readonly form: Readonly<Record<string, string>>;
  readonly authorization: string | undefined;
}

/** Follows no redirects, which would carry the secrets away. */
async function exchange(
  address: string,
  ca: string | undefined,
  signal: AbortSignal,
  secrets: readonly string[],
  request?: TokenRequest,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const shown = foreignText(address, { secrets });
  if (!URL.canParse(address)) throw new Error(`the identity provider's address ${shown} is no URL`);
  const url = new URL(address);
  if (url.protocol !== 'https:') throw new Error(`the identity provider's address ${shown} is not an https:// URL`);
  const lookups = new Lookups(systemResolver().resolveFirst, connectTimeoutMs);
  const material = { ...(ca !== undefined && { ca }), rejectUnauthorized: true };
  const connect = apiServerConnector(material, { lookup: lookups.lookup, timeoutMs: connectTimeoutMs });
  const pool = new Pool(url.origin, { allowH2: false, pipelining: 1, connections: 1, connect });
  try {
    const { statusCode, body } = await pool.request({
      method: request === undefined ? 'GET' : 'POST',
      path: `${url.pathname}${url.search}`,
      headers: {
        accept: 'application/json',
        ...(request !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...(request?.authorization !== undefined && { authorization: request.authorization }),
      },
      body: request === undefined ? null : new URLSearchParams(request.form).toString(),
      signal,
    });
    return { status: statusCode, body: parseJson(await readBody(body, responseLimitBytes)) };
  } catch (cause) {
    throw new Error(`cannot reach the identity provider at ${shown}`, { cause });
  } finally {
    lookups.abort();
    await pool.destroy();
  }
}
