/** Who sent a request, as the decision matrix of the wire contract has it: real TLS, HTTP/1.1 and HTTP/2, real TokenReviews. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, createSecureServer, type Http2SecureServer, type Http2ServerRequest } from 'node:http2';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { StatusError } from '../../src/apimachinery/status.ts';
import { type Authenticator, createAuthenticator } from '../../src/auth/authenticator.ts';
import { bearerWarning } from '../../src/auth/bearer.ts';
import type { RefusedRequest } from '../../src/auth/refusals.ts';
import type { AuthenticationSettings } from '../../src/auth/settings.ts';
import { createRestClient, type RestClient } from '../../src/client/rest.ts';
import { createTokenReviewer } from '../../src/client/reviews.ts';
import { parseTrustBundle } from '../../src/tls/trustbundle.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { type Issued, makeAuthority } from '../fakes/certificates.ts';
import { createFakeClock, type FakeClock } from '../fakes/clock.ts';
import { waiterWith } from '../fakes/waiter.ts';

const clients = makeAuthority('clients');
const proxies = makeAuthority('proxies');
const strangers = makeAuthority('strangers');
const serving = makeAuthority('serving');
const usages = ['client'] as const;
const alice = clients.issue({ cn: 'alice', o: ['dev', 'qa'], usages });
const proxy = proxies.issue({ cn: 'front-proxy-client', usages });
const otherProxy = proxies.issue({ cn: 'somebody', usages });
const stranger = strangers.issue({ cn: 'front-proxy-client', o: ['system:masters'], usages });
const headerNames = {
  username: ['X-Remote-User'],
  uid: [],
  group: ['X-Remote-Group'],
  extraPrefix: ['X-Remote-Extra-'],
};
const usual: AuthenticationSettings = {
  clientCa: parseTrustBundle(clients.cert, 'test'),
  requestHeader: {
    ca: parseTrustBundle(proxies.cert, 'test'),
    allowedNames: ['front-proxy-client'],
    headers: headerNames,
  },
};

let api: FakeApiServer;
let rest: RestClient;
let server: Http2SecureServer;
let settings: AuthenticationSettings;
let clock: FakeClock;
let authenticator: Authenticator;
let refusals: RefusedRequest[];
let authenticated: string[];

before(async () => {
  api = await createFakeApiServer();
  rest = createRestClient(api.connection);
  server = createSecureServer({
    ...serving.issue({ cn: 'localhost', dns: ['localhost'], usages: ['server'] }),
    allowHTTP1: true,
    requestCert: true,
    rejectUnauthorized: false,
    maxHeaderListPairs: 1000,
  });
  server.on('request', (incoming, response) => {
    void answer(incoming).then((body) => response.end(JSON.stringify(body)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

after(async () => {
  server.close();
  await rest[Symbol.asyncDispose]();
  await api.close();
});

beforeEach(() => {
  api.reviews.token = (token) =>
    token === 'good'
      ? {
          authenticated: true,
          user: { username: 'robot', uid: 'u-1', groups: ['robots'], extra: { scope: ['a', 'b'] } },
        }
      : { user: {}, error: 'invalid bearer token' };
  settings = usual;
  refusals = [];
  authenticated = [];
  clock = createFakeClock(Date.now());
  authenticator = createAuthenticator({
    settings: { current: () => settings },
    reviewer: createTokenReviewer(rest),
    unknownTokenReviewer: createTokenReviewer(rest),
    tokenTtlMs: 10_000,
    clock,
    refusals: { refused: (refusal) => refusals.push(refusal), authenticated: (address) => authenticated.push(address) },
  });
});

/** The response: `name [groups]`, or the code of a refusal; then the UID, extra facts and a warning where there are any. */
async function answer(incoming: Http2ServerRequest): Promise<string> {
  const certificate = (incoming.socket as TLSSocket).getPeerX509Certificate();
  const { rawHeaders } = incoming;
  const connection = incoming.stream?.session ?? incoming.socket;
  try {
    const credentials = { rawHeaders, certificate, connection, address: '127.0.0.1' };
    const { name, uid, groups, extra } = await authenticator.authenticate(credentials, waiterWith());
    const facts = [...extra].map(([key, values]) => `${key}=${values.join('|')}`);
    return [`${name} [${groups.join('; ')}]`, uid, ...facts, bearerWarning(rawHeaders) === undefined ? '' : 'warned']
      .filter((part) => part !== '')
      .join(' ');
  } catch (error) {
    return error instanceof StatusError ? `${error.code} ${error.message}` : String(error);
  }
}

type Header = readonly [name: string, value: string];
type Ask = (client: Issued | undefined, ...headers: Header[]) => Promise<string>;

const asks: ReadonlyMap<string, Ask> = new Map([
  ['HTTP/1.1', askHttp1],
  ['HTTP/2', askHttp2],
]);

function tlsOf(client: Issued | undefined) {
  return { ca: serving.cert, servername: 'localhost', ...client };
}

function port(): number {
  return (server.address() as AddressInfo).port;
}

async function askHttp1(client: Issued | undefined, ...headers: Header[]): Promise<string> {
  const outgoing = request({
    ...tlsOf(client),
    host: '127.0.0.1',
    port: port(),
    agent: false,
    headers: ['Host', 'localhost', ...headers.flat()],
  });
  outgoing.end();
  const [response] = await once(outgoing, 'response');
  return JSON.parse(await text(response));
}

async function askHttp2(client: Issued | undefined, ...headers: Header[]): Promise<string> {
  const session = connect(`https://127.0.0.1:${port()}`, tlsOf(client));
  try {
    return await askOn(session, headers);
  } finally {
    session.close();
  }
}

async function askOn(session: ReturnType<typeof connect>, headers: readonly Header[]): Promise<string> {
  const lines: Record<string, string | string[]> = {};
  for (const [name, value] of headers) {
    const held = lines[name.toLowerCase()];
    // Node refuses an array, even of one, for headers that may have one line only.
    lines[name.toLowerCase()] = held === undefined ? value : [held, value].flat();
  }
  return JSON.parse(await text(session.request({ ':path': '/', ...lines })));
}

const user = (name: string): Header => ['X-Remote-User', name];
const group = (name: string): Header => ['X-Remote-Group', name];
const bearer = (token: string): Header => ['Authorization', `Bearer ${token}`];
const credentialOf = ({ cert }: Issued) =>
  `authentication.kubernetes.io/credential-id=X509SHA256=${new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase()}`;
const spoofed = [user('admin'), group('system:masters')];

const anonymous = 'system:anonymous [system:unauthenticated]';
const unauthorized = '401 Unauthorized';
const isAlice = `alice [dev; qa; system:authenticated] ${credentialOf(alice)}`;
const isRobot = 'robot [robots; system:authenticated] u-1 scope=a|b';

for (const [protocol, ask] of asks) {
  describe(`over ${protocol}`, () => {
    const check = (what: string, client: Issued | undefined, headers: readonly Header[], expected: string) =>
      void test(what, async () => assert.equal(await ask(client, ...headers), expected));

    check('a request without credentials is anonymous', undefined, [], anonymous);
    check('headers without a certificate are ignored', undefined, spoofed, anonymous);
    check(
      'a front proxy names the user',
      proxy,
      [user('admin'), group('system:masters'), group('ops')],
      'admin [system:masters; ops; system:authenticated]',
    );
    check('a front proxy without a user is rejected', proxy, [], unauthorized);
    check('a front proxy with an empty user is rejected', proxy, [user('')], unauthorized);
    check('a front proxy without a user may send a token', proxy, [bearer('good')], isRobot);
    check('a front proxy of another name is rejected', otherProxy, spoofed, unauthorized);
    check('a client certificate names the user, headers are ignored', alice, spoofed, isAlice);
    check('a client certificate comes before a valid token', alice, [bearer('good')], isAlice);
    check('a client certificate comes before an invalid token', alice, [bearer('bad')], isAlice);
    check('a certificate of an unknown CA is rejected', stranger, spoofed, unauthorized);
    check(
      'a certificate of an unknown CA does no harm to a good token',
      stranger,
      [...spoofed, bearer('good')],
      isRobot,
    );
    check('a valid token names the user', undefined, [bearer('good')], isRobot);
    check('an invalid token is rejected', undefined, [bearer('bad')], unauthorized);
    check('an empty token is anonymous', undefined, [bearer('')], anonymous);
    check('another scheme is anonymous', undefined, [['Authorization', 'Basic YTpi']], anonymous);
    check(
      'a token behind two spaces is anonymous, with a warning',
      undefined,
      [bearer(' good')],
      `${anonymous} warned`,
    );
    check('the first of two user lines counts', proxy, [user('first'), user('second')], 'first [system:authenticated]');
    check(
      'one group line is one group',
      proxy,
      [user('u'), group('x, system:masters')],
      'u [x, system:masters; system:authenticated]',
    );
    check('a proxied anonymous user stays one', proxy, [user('system:anonymous')], 'system:anonymous []');
    check(
      'names are UTF-8',
      proxy,
      [user(Buffer.from('jos\u00e9').toString('latin1'))],
      'jos\u00e9 [system:authenticated]',
    );
    check(
      'extra facts come along',
      proxy,
      [user('u'), ['X-Remote-Extra-Acme.com%2fProject', 'p1'], ['X-Remote-Extra-Scopes', 'a']],
      'u [system:authenticated] acme.com/project=p1 scopes=a',
    );
    check(
      'impersonation is refused',
      alice,
      [['Impersonate-User', 'bob']],
      '403 Impersonate headers are not accepted here: send the request through kube-apiserver, which impersonates by itself',
    );
    check(
      'an invalid token is refused before impersonation',
      undefined,
      [bearer('bad'), ['Impersonate-Group', 'x']],
      unauthorized,
    );

    test('a user in five hundred groups is in all of them', async () => {
      const groups = Array.from({ length: 500 }, (_, index) => group(`g${index}`));
      assert.equal((await ask(proxy, user('u'), ...groups)).split(';').length, 501);
    });

    test('a UID counts where a header is configured for it', async () => {
      const headers = [user('u'), ['X-Remote-Uid', 'U1'] as const];
      assert.equal(await ask(proxy, ...headers), 'u [system:authenticated]');
      settings = {
        ...usual,
        requestHeader: usual.requestHeader && {
          ...usual.requestHeader,
          headers: { ...headerNames, uid: ['X-Remote-Uid'] },
        },
      };
      assert.equal(await ask(proxy, ...headers), 'u [system:authenticated] U1');
    });
  });
}

describe('certificates that an intermediate CA signed', () => {
  const intermediate = proxies.subordinate('intermediate');
  const below = intermediate.issue({ cn: 'front-proxy-client', usages });
  const chain = (...certificates: Issued[]) => ({
    key: below.key,
    cert: [below, ...certificates].map(({ cert }) => cert).join(''),
  });

  const check = (what: string, client: Issued, trusted: boolean) =>
    void test(what, async () => {
      assert.equal(await askHttp2(client, user('u')), trusted ? 'u [system:authenticated]' : unauthorized);
    });
  check('are trusted when the client sends it', chain(intermediate), true);
  check('are trusted with its CA sent too', chain(intermediate, proxies), true);
  check('are not trusted when the client does not send it', below, false);
  check('are not trusted when another CA of its name is sent', chain(proxies.subordinate('intermediate')), false);

  test('are trusted through two of them, and not through ten', async () => {
    const deep = (levels: number) => {
      let issuer = proxies;
      const certificates: string[] = [];
      for (let level = 0; level < levels; level += 1) {
        issuer = issuer.subordinate(`level ${level}`);
        certificates.unshift(issuer.cert);
      }
      const leaf = issuer.issue({ cn: 'front-proxy-client', usages });
      return { key: leaf.key, cert: leaf.cert + certificates.join('') };
    };
    assert.equal(await askHttp2(deep(2), user('u')), 'u [system:authenticated]');
    assert.equal(await askHttp2(deep(10), user('u')), unauthorized);
  });
});

describe('what is cached of a connection', () => {
  test('is dropped when trust changes, and when the certificate expires', async () => {
    const brief = clients.issue({ cn: 'brief', usages, notAfter: new Date(clock.wallMs() + 3_600_000) });
    const session = connect(`https://127.0.0.1:${port()}`, tlsOf(brief));
    try {
      assert.match(await askOn(session, []), /^brief /);
      settings = { ...usual, clientCa: parseTrustBundle(strangers.cert, 'test') };
      assert.equal(await askOn(session, []), unauthorized);
      settings = usual;
      assert.match(await askOn(session, []), /^brief /);
      clock.jump(3_600_001);
      assert.equal(await askOn(session, []), unauthorized);
    } finally {
      session.close();
    }
  });

  test('does not make certificates count without a CA', async () => {
    settings = { clientCa: undefined, requestHeader: undefined };
    assert.equal(await askHttp2(alice, ...spoofed), anonymous);
  });
});

describe('a bearer token', () => {
  const reviews = () => api.requests.filter(({ path }) => path.endsWith('/tokenreviews')).length;

  test('is reviewed once in ten seconds for any number of concurrent requests', async () => {
    const start = reviews();
    const ask = () => askHttp2(undefined, bearer('good'));
    assert.deepEqual(await Promise.all([ask(), ask(), ask()]), [isRobot, isRobot, isRobot]);
    assert.equal(reviews() - start, 1);
    clock.jump(10_000);
    assert.equal(await ask(), isRobot);
    assert.equal(reviews() - start, 2);
  });

  test('that is invalid is cached for half a second', async () => {
    const start = reviews();
    for (let turn = 0; turn < 3; turn += 1) assert.equal(await askHttp2(undefined, bearer('bad')), unauthorized);
    assert.equal(reviews() - start, 1);
    clock.jump(500);
    assert.equal(await askHttp2(undefined, bearer('bad')), unauthorized);
    assert.equal(reviews() - start, 2);
  });

  test('that is no longer valid is rejected within its TTL', async () => {
    assert.equal(await askHttp2(undefined, bearer('good')), isRobot);
    api.reviews.token = () => ({ user: {} });
    clock.jump(10_000);
    assert.equal(await askHttp2(undefined, bearer('good')), unauthorized);
  });

  test('that is rejected is cached, one that could not be reviewed is not', async () => {
    const start = reviews();
    api.reviews.token = () => ({ user: {} });
    for (let turn = 0; turn < 2; turn += 1) assert.equal(await askHttp2(undefined, bearer('nobody')), unauthorized);
    assert.equal(reviews() - start, 1);
    api.faults.answer = () => 500;
    assert.equal(await askHttp2(undefined, bearer('good')), unauthorized);
    api.faults.answer = undefined;
    api.reviews.token = () => ({ authenticated: true, user: { username: 'robot' } });
    assert.equal(await askHttp2(undefined, bearer('good')), 'robot [system:authenticated]');
  });
});

describe('a refusal', () => {
  const codes = () => refusals.map(({ code }) => code);
  const usagesOf = { usages } as const;

  test('is recorded with the reason: a front proxy whose certificate expired', async () => {
    const brief = proxies.issue({ cn: 'front-proxy-client', ...usagesOf, notAfter: new Date(clock.wallMs() - 1_000) });
    assert.equal(await askHttp2(brief, user('u')), unauthorized);
    assert.deepEqual(codes(), ['FrontProxyCertificate']);
    assert.match(refusals[0]?.reason ?? '', /^as a front proxy: the certificate expired at \S+; as a client: /);
    assert.equal(refusals[0]?.address, '127.0.0.1');
  });

  test('is recorded with the reason: a front proxy of another CA', async () => {
    assert.equal(await askHttp2(stranger, user('u')), unauthorized);
    assert.deepEqual(codes(), ['FrontProxyCertificate']);
    assert.match(refusals[0]?.reason ?? '', /signed by an authority that is not trusted here/);
  });

  test('is recorded with the reason: a front proxy whose name is not allowed', async () => {
    assert.equal(await askHttp2(otherProxy, user('u')), unauthorized);
    assert.deepEqual(codes(), ['FrontProxyName']);
    assert.match(refusals[0]?.reason ?? '', /"somebody" is not in requestheader-allowed-names/);
  });

  test('is recorded although the front proxy is accepted as a client, if both have one CA', async () => {
    settings = { ...usual, clientCa: parseTrustBundle(proxies.cert, 'test') };
    assert.match(await askHttp2(otherProxy, user('u')), /^somebody /);
    assert.deepEqual(codes(), ['FrontProxyName']);
  });

  test('is recorded with the reason: a client certificate of another CA', async () => {
    assert.equal(await askHttp2(strangers.issue({ cn: 'eve', ...usagesOf })), unauthorized);
    assert.deepEqual(codes(), ['ClientCertificate']);
  });

  test('is recorded with the reason and without the token: a token that is not valid', async () => {
    const header = Buffer.from('{"alg":"RS256"}').toString('base64url');
    const token = `${header}.c2VjcmV0cGF5bG9hZA.c2lnbmF0dXJl`;
    api.reviews.token = () => ({ user: {}, error: `cannot verify ${token}: c2VjcmV0cGF5bG9hZA has expired` });
    assert.equal(await askHttp2(undefined, bearer(token)), unauthorized);
    assert.deepEqual(refusals, [
      {
        code: 'TokenInvalid',
        reason: 'cannot verify <redacted>: <redacted> has expired',
        variant: '',
        address: '127.0.0.1',
      },
    ]);
  });

  test('is recorded with the reason and without the token: TokenReviews that fail', async () => {
    api.faults.answer = () => 403;
    assert.equal(await askHttp2(undefined, bearer('good')), unauthorized);
    api.faults.answer = undefined;
    assert.deepEqual(codes(), ['TokenReviewFailed']);
    assert.match(refusals[0]?.reason ?? '', /the fake answers 403/);
  });

  test('is kept for clients that were authenticated before: their addresses are recorded, no others', async () => {
    await askHttp2(strangers.issue({ cn: 'eve', ...usagesOf }));
    await askHttp2(undefined, bearer('bad'));
    await askHttp2(undefined);
    assert.deepEqual(authenticated, []);
    assert.match(await askHttp2(alice), /^alice /);
    assert.deepEqual(authenticated, ['127.0.0.1']);
  });

  test('is recorded: impersonation', async () => {
    await askHttp2(alice, ['Impersonate-User', 'bob']);
    assert.deepEqual(codes(), ['ImpersonationRefused']);
  });

  test('is not recorded for a client certificate that is no front proxy, nor without credentials', async () => {
    assert.match(await askHttp2(alice), /^alice /);
    assert.equal(await askHttp2(undefined), anonymous);
    assert.deepEqual(codes(), []);
  });
});
