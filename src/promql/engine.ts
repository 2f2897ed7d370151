/** Where a PromQL engine is, and its credentials. */
import type { ApiServer, TlsMaterial } from '../client/apiserver.ts';
import { watchCredentialFile } from '../client/credentialfile.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import { certificateText, keyText } from '../tls/keypair.ts';
import { parseTrustBundle } from '../tls/trustbundle.ts';

export interface PromqlEngine {
  /** As rules, reports and metrics name it. */
  readonly name: string;
  /** Without user and password. */
  readonly url: URL;
  readonly verb: 'GET' | 'POST';
  /** Beside those of HTTP and credentials, such as X-Scope-OrgID; names in lower case, several values of one in order. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** Credentials in headers and in parameters of the URL, for `keepSecret`. Those of `access` come with each request. */
  readonly secrets: readonly string[];
  readonly access: ApiServer;
}

export interface EngineOptions {
  readonly name: string;
  /** May have a user and password, a path prefix, and query parameters such as dedup=true. */
  readonly url: string;
  readonly verb: 'GET' | 'POST';
  /** `name=value`; the first `=` splits. */
  readonly headers: readonly string[];
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly tokenFile?: string | undefined;
  /** Credentials and CA of a kubeconfig or of our pod; files come before them. */
  readonly account?: ApiServer | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** @throws Error for a URL, a header or a file that cannot be used, with what to do. */
export function createEngine(options: EngineOptions): PromqlEngine {
  const url = engineUrl(options.url);
  const basic = basicOf(url);
  url.username = '';
  url.password = '';
  const headers = headersOf(options.headers);
  const named = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value) => [name, value] as const),
  );
  const secrets = secretsIn([...named, ...url.searchParams]);
  const access = createAccess(url, basic, options);
  const hasCredentials = [basic, options.tokenFile, options.account, ...secrets].some((each) => each !== undefined);
  if (url.protocol === 'http:' && hasCredentials) {
    options.log.warn(
      { code: 'PrometheusWithoutTls', source: options.name, url: `${url.origin}${url.pathname}` },
      'credentials are sent to Prometheus without TLS',
    );
  }
  return { name: options.name, url, verb: options.verb, headers, secrets, access };
}

/** @throws Error unless it is an http or https URL. */
function engineUrl(text: string): URL {
  if (!URL.canParse(text)) throw new Error('it is no URL; write for example http://prometheus.monitoring.svc:9090');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error('it must begin with http:// or https://');
  return url;
}

/** @throws Error for escapes that cannot be read. */
function basicOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  let pair: string;
  try {
    pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  } catch {
    // The parser's own message may quote them.
    throw new Error('its user or password has a % that begins no escape; write %25 for a %');
  }
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/** Headers that HTTP or the client sets. */
const reserved: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'proxy-connection',
  'keep-alive',
  'upgrade',
  'expect',
  'te',
  'trailer',
  'content-length',
  'content-type',
  'transfer-encoding',
  'accept',
  'accept-encoding',
]);

/** @throws Error that names the header, not its value. */
export function headersOf(given: readonly string[]): PromqlEngine['headers'] {
  const headers = new Map<string, string[]>();
  for (const text of given) {
    const split = text.indexOf('=');
    const name = text.slice(0, split).trim().toLowerCase();
    if (split < 1 || !/^[!#$%&'*+.^_`|~0-9a-z-]{1,200}$/.test(name)) {
      throw new Error('a header must be written as name=value, such as X-Scope-OrgID=team-a');
    }
    if (reserved.has(name)) throw new Error(`the header ${name} cannot be set; leave it out`);
    const value = text.slice(split + 1).trim();
    if (!/^[\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw new Error(`the value of the header ${name} has characters that HTTP forbids`);
    }
    headers.set(name, [...(headers.get(name) ?? []), value]);
  }
  return Object.fromEntries(
    [...headers].map(([name, [only = '', ...more]]) => [name, more.length > 0 ? [only, ...more] : only]),
  );
}

/** Returns the values of names that sound like credentials, in the form of an Authorization header. */
function secretsIn(named: readonly (readonly [name: string, value: string])[]): readonly string[] {
  return named
    .filter(([name]) => /auth|token|key|secret|cookie|pass|cred|session|jwt|sig/i.test(name))
    .map(([, value]) => (value.includes(' ') ? value : `Header ${value}`));
}

function createAccess(url: URL, basic: string | undefined, options: EngineOptions): ApiServer {
  const { account, clock, log } = options;
  const remedy = 'is the file mounted?';
  const file = (flag: string, path: string | undefined, parse?: (text: string, path: string) => string) =>
    path === undefined
      ? undefined
      : watchCredentialFile({
          what: `--${flag}`,
          path,
          remedy,
          clock,
          log,
          parse: parse && ((text) => parse(text, path)),
        });
  const ca = file('prometheus-ca-file', options.caFile, (text, path) => parseTrustBundle(text, path, log).pem);
  const cert = file('prometheus-client-tls-cert-file', options.certFile, certificateText);
  const key = file('prometheus-client-tls-key-file', options.keyFile, keyText);
  // As in prometheus-adapter, a user in the URL comes before the token.
  const token = basic === undefined ? file('prometheus-token-file', options.tokenFile) : undefined;
  for (const each of [ca, cert, key, token]) each?.read();
  let material: TlsMaterial | undefined;
  return {
    url: url.origin,
    tls,
    authorization: () => basic ?? (token === undefined ? account?.authorization() : `Bearer ${token.read()}`),
    refresh: () => {
      if (token !== undefined) token.expire();
      else account?.refresh?.();
    },
  };

  function tls(): TlsMaterial {
    const base: Partial<TlsMaterial> = account?.tls() ?? {};
    const given = {
      ca: ca?.read() ?? base.ca,
      cert: cert?.read() ?? base.cert,
      key: key?.read() ?? base.key,
      servername: ca === undefined ? base.servername : undefined,
    };
    const used = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    const current = { ...used, rejectUnauthorized: ca !== undefined || base.rejectUnauthorized !== false };
    if (material === undefined || !isSame(material, current)) material = current;
    return material;
  }
}

function isSame(a: TlsMaterial, b: TlsMaterial): boolean {
  const trust = a.ca === b.ca && a.servername === b.servername && a.rejectUnauthorized === b.rejectUnauthorized;
  return trust && a.cert === b.cert && a.key === b.key;
}
