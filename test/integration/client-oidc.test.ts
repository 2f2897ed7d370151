/** ID tokens of a kubeconfig's auth-provider oidc, refreshed at a real identity provider. */
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { createOidcToken, responseLimitBytes } from '../../src/client/oidc.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { createFakeClock, type FakeClock } from '../fakes/clock.ts';
import { fakeJwt } from '../fakes/jwt.ts';
import { listen } from '../fakes/listen.ts';
import { until } from '../fakes/until.ts';

const authority = makeAuthority('idp');
const own = authority.issue({ cn: 'idp', ips: ['127.0.0.1'], usages: ['server'] });
const lifeSeconds = 3_600;

interface Asked {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly form: Readonly<Record<string, string>>;
}

type Answer = (asked: Asked, response: ServerResponse) => void;

let added: AsyncDisposableStack;
let clock: FakeClock;
let asked: Asked[];
let issuer: string;
/** Answers for the token endpoint; undefined grants the next tokens. */
let answer: Answer | undefined;
let discovery: Answer | undefined;

beforeEach(async () => {
  added = new AsyncDisposableStack();
  clock = createFakeClock();
  asked = [];
  answer = undefined;
  discovery = undefined;
  const server = createServer(own, (request, response) => void reply(request, response));
  issuer = `https://127.0.0.1:${await listen(server, 0)}/realm`;
  added.defer(() => {
    server.close();
    server.closeAllConnections();
  });
});
afterEach(() => added[Symbol.asyncDispose]());

async function reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const { url = '', headers } = request;
  const each = { path: url, authorization: headers.authorization, form: Object.fromEntries(new URLSearchParams(body)) };
  asked.push(each);
  if (url === '/realm/.well-known/openid-configuration') {
    if (discovery !== undefined) discovery(each, response);
    else response.end(JSON.stringify({ token_endpoint: `${issuer}/token?tenant=a` }));
  } else if (answer !== undefined) answer(each, response);
  else grant(each, response);
}

function grant(_asked: Asked, response: ServerResponse): void {
  const count = asked.filter(({ path }) => path.includes('token')).length;
  response.end(JSON.stringify({ id_token: tokenFor(`ann-${count}`), refresh_token: `refresh-${count}` }));
}

function tokenFor(subject: string, lifeMs = lifeSeconds * 1000): string {
  return fakeJwt({ sub: subject, exp: Math.floor((clock.wallMs() + lifeMs) / 1000) });
}

function create(more: Readonly<Record<string, string>> = {}): (signal?: AbortSignal) => Promise<string> {
  const config = {
    'id-token': tokenFor('old', -1_000),
    'refresh-token': 'refresh-0',
    'client-id': 'kubernetes',
    'idp-issuer-url': issuer,
    'idp-certificate-authority-data': Buffer.from(authority.cert).toString('base64'),
    ...more,
  };
  const token = createOidcToken({ config, clock, log: undefined });
  return (signal = new AbortController().signal) => token(signal);
}

describe('an expired ID token', () => {
  test('is refreshed, and again once it has expired, with the refresh token that came with it', async () => {
    const token = create();
    const first = tokenFor('ann-1');
    assert.deepEqual([await token(), await token()], [first, first]);
    await clock.advance(lifeSeconds * 1000);
    assert.equal(await token(), tokenFor('ann-2'));
    const form = { grant_type: 'refresh_token', client_id: 'kubernetes' };
    assert.deepEqual(
      asked.filter(({ path }) => path === '/realm/token?tenant=a'),
      ['refresh-0', 'refresh-1'].map((refresh) => ({
        path: '/realm/token?tenant=a',
        authorization: undefined,
        form: { ...form, refresh_token: refresh },
      })),
    );
  });

  test('is refreshed with the secret of the client in the header, or in the body if the provider takes it only there', async () => {
    answer = (each, response) =>
      each.authorization === undefined ? grant(each, response) : response.writeHead(401).end('{}');
    assert.equal(await create({ 'client-secret': 'a/b' })(), tokenFor('ann-2'));
    const [, header, body] = asked;
    assert.equal(header?.authorization, `Basic ${btoa('kubernetes:a%2Fb')}`);
    assert.deepEqual([header.form['client_secret'], body?.form['client_secret']], [undefined, 'a/b']);
  });

  test('that the provider does not refresh is an error with its reason, without secrets', async () => {
    answer = ({ form }, response) => {
      const text = `the token ${form['refresh_token']} is revoked`;
      response.writeHead(400).end(JSON.stringify({ error: 'invalid_grant', error_description: text }));
    };
    await assert.rejects(create({ 'refresh-token': 'a-refresh-token-that-is-secret' })(), (error: Error) => {
      assert.match(error.message, /refused to refresh the id-token: 400 invalid_grant the token .* is revoked/);
      assert.doesNotMatch(error.message, /a-refresh-token/);
      return true;
    });
  });

  test('that cannot be refreshed says what is missing', async () => {
    await assert.rejects(
      create({ 'refresh-token': '' })(),
      /cannot be refreshed without .* refresh-token; log in again/,
    );
    assert.deepEqual(asked, []);
  });

  test('is not refreshed over plain HTTP, at the issuer or at its token endpoint', async () => {
    await assert.rejects(create({ 'idp-issuer-url': 'http://127.0.0.1:1' })(), /is not an https:\/\/ URL/);
    discovery = (_asked, response) => response.end('{"token_endpoint":"http://127.0.0.1:1/token"}');
    await assert.rejects(create()(), /http:\/\/127.0.0.1:1\/token is not an https:\/\/ URL/);
  });

  test('is not refreshed at another address that the provider redirects to', async () => {
    answer = (_asked, response) => response.writeHead(307, { location: `${issuer}/elsewhere` }).end();
    await assert.rejects(create()(), /refused to refresh the id-token: 307/);
    assert.deepEqual(
      asked.map(({ path }) => path),
      ['/realm/.well-known/openid-configuration', '/realm/token?tenant=a'],
    );
  });

  test('is not read beyond the limit of a response', async () => {
    answer = (_asked, response) => response.end(Buffer.alloc(responseLimitBytes + 1, ' '));
    await assert.rejects(create()(), (error: Error) => {
      assert.match(String(error.cause), /larger than 1048576 bytes/);
      return true;
    });
  });

  test('of a provider that does not answer ends with the signal', async () => {
    answer = () => undefined;
    const stop = new AbortController();
    const pending = create()(stop.signal);
    await until('the token is asked for', () => asked.length === 2);
    stop.abort(new Error('too late'));
    await assert.rejects(pending, (error: Error) => String(error.cause).includes('too late'));
  });
});

test('a valid ID token is used as it is', async () => {
  const valid = tokenFor('ann');
  assert.equal(await create({ 'id-token': valid })(), valid);
  assert.deepEqual(asked, []);
});
