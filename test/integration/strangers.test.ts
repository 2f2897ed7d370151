/** Tokens and requests of strangers against the whole program: they delay no known user. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import type { ClientHttp2Session } from 'node:http2';
import { queuedReviewsInFlight, queueSlotLimit } from '../../src/auth/tokenreviewqueue.ts';
import { strangersInFlightLimit } from '../../src/server/inflight.ts';
import type { StatusReport } from '../../src/server/statuspage.ts';
import { openFrontProxySession } from '../fakes/frontproxysession.ts';
import { ask2, openSession } from '../fakes/http2client.ts';
import { until } from '../fakes/until.ts';
import { startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

const admin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
let cluster: WholeCluster;
let proxied: ClientHttp2Session;
/** Ends all reviews that are held. */
let release: () => void;
let held: Promise<object>;

before(async () => {
  // Each request of a token is reviewed, and no more than a few requests of the known are worked on at once.
  cluster = await startWholeCluster(['--authentication-token-webhook-cache-ttl=0s', '--max-requests-inflight=20']);
  proxied = await openFrontProxySession(cluster, admin);
});

after(async () => {
  proxied.destroy();
  await cluster[Symbol.asyncDispose]();
});

beforeEach(() => {
  const released = Promise.withResolvers<object>();
  held = released.promise;
  release = () => released.resolve({ user: {} });
  cluster.apiServer.reviews.token = (token) =>
    token === 'robot' ? { authenticated: true, user: { username: 'robot' } } : held;
  cluster.apiServer.reviews.access = ({ user }) => (user === 'system:anonymous' ? held : { allowed: true });
});

afterEach(() => {
  release();
});

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

/** Connections whose handshakes are over: the reviews that are held end after seconds, in which a busy machine makes few handshakes. */
async function connections(count: number, localAddress = '127.0.0.1'): Promise<readonly TLSSocket[]> {
  const options = { host: '127.0.0.1', localAddress, port: cluster.port, rejectUnauthorized: false };
  const sockets: TLSSocket[] = [];
  while (sockets.length < count) {
    const socket = connect(options);
    await once(socket, 'secureConnect');
    sockets.push(socket);
  }
  return sockets;
}

/** One request on a connection of its own. */
async function ask(path: string, token?: string, connection?: TLSSocket): Promise<Answer> {
  const socket = connection ?? (await connections(1))[0] ?? assert.fail();
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const outgoing = request({ host: '127.0.0.1', path, headers, createConnection: () => socket });
  outgoing.end();
  const [response] = await once(outgoing, 'response');
  await text(response);
  return { status: response.statusCode, retryAfter: response.headers['retry-after'] };
}

let count = 0;
const nextPath = () => `/apis/metrics.k8s.io/v1/namespaces/n${(count += 1)}/pods`;
const reviewsOf = (kind: string) => cluster.apiServer.requests.filter(({ path }) => path.endsWith(kind)).length;

describe('a flood of random tokens whose reviews hang', () => {
  test('delays no known user, and no stranger from another address', async () => {
    assert.equal((await ask(nextPath(), 'robot')).status, 200);
    const strangers = await connections(queueSlotLimit + 44);
    const robots = await connections(10);
    const [another] = await connections(1, '127.0.0.2');
    const start = reviewsOf('/tokenreviews');
    const statuses: number[] = [];
    const flood = strangers.map((socket, at) =>
      ask('/version', `random-${at}`, socket).then((answer) => {
        statuses.push(answer.status);
        if (answer.status === 429) assert.equal(answer.retryAfter, '1');
      }),
    );
    await until('what is too much is refused', () => statuses.length === 44);
    assert.deepEqual(new Set(statuses), new Set([429]));
    await until('reviews are under way', () => reviewsOf('/tokenreviews') - start >= queuedReviewsInFlight);
    assert.equal(reviewsOf('/tokenreviews') - start, queuedReviewsInFlight);

    // Each needs an access review that was not made before, the token a review of its own, too.
    const known = robots.map(async (socket) => [
      (await ask2(proxied, nextPath(), { 'x-remote-user': 'alice' })).status,
      (await ask(nextPath(), 'robot', socket)).status,
    ]);
    assert.deepEqual(new Set((await Promise.all(known)).flat()), new Set([200]));
    assert.equal(statuses.length, 44);

    cluster.apiServer.reviews.token = (token) =>
      token === 'newcomer' ? { authenticated: true, user: { username: 'newcomer' } } : held;
    const newcomer = ask(nextPath(), 'newcomer', another);
    await until('the newcomer has displaced one', () => statuses.length === 45);
    release();
    assert.equal((await newcomer).status, 200);
    await Promise.all(flood);
    assert.equal(statuses.filter((status) => status === 429).length, 45);
    assert.equal(statuses.filter((status) => status === 401).length, queueSlotLimit - 1);
  });

  test('is shown at /status, and does not make the server unready', async () => {
    const answer = await ask2(proxied, '/status', admin);
    const { refused, degraded } = JSON.parse(answer.text) as StatusReport;
    assert.ok(refused.some(({ code }) => code === 'TokenQueueFull'));
    assert.ok(refused.some(({ code }) => code === 'TokenInvalid'));
    assert.deepEqual(degraded, []);
    assert.doesNotMatch(answer.text, /random-/);
    const ready = await ask2(proxied, '/readyz?verbose', admin);
    assert.match(
      ready.text,
      /note: refused in the last five minutes: TokenInvalid: a bearer token is not valid \(\d+ requests/,
    );
    const anonymous = await openSession(cluster.port);
    assert.doesNotMatch((await ask2(anonymous, '/readyz?verbose')).text, /refused/);
    anonymous.destroy();
  });
});

test('anonymous requests whose reviews hang take neither the limit in flight nor the reviews of known users', async () => {
  // The flag's limit is below the strangers' own.
  const allowed = Math.min(20, strangersInFlightLimit);
  const strangers = await connections(allowed + 10);
  const start = reviewsOf('/subjectaccessreviews');
  const statuses: number[] = [];
  const flood = strangers.map((socket) =>
    ask(nextPath(), undefined, socket).then(({ status }) => {
      statuses.push(status);
    }),
  );
  await until('what is too much is refused', () => statuses.length === 10);
  assert.deepEqual(new Set(statuses), new Set([429]));
  await until('reviews are under way', () => reviewsOf('/subjectaccessreviews') - start >= queuedReviewsInFlight);
  assert.equal(reviewsOf('/subjectaccessreviews') - start, queuedReviewsInFlight);
  const known = Array.from({ length: 10 }, async () => ask2(proxied, nextPath(), { 'x-remote-user': 'alice' }));
  assert.deepEqual(new Set((await Promise.all(known)).map(({ status }) => status)), new Set([200]));
  assert.equal(statuses.length, 10);
  const { refused } = JSON.parse((await ask2(proxied, '/status', admin)).text) as StatusReport;
  assert.equal(refused.find(({ code }) => code === 'TooManyAnonymousRequests')?.requests, 10);
  release();
  await Promise.all(flood);
  assert.equal(statuses.filter((status) => status === 403).length, allowed);
});
