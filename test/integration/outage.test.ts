/** kube-apiserver is away for a while and comes back: the whole program serves again at once. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { ClientHttp2Session } from 'node:http2';
import { waitFor } from '../cluster/wait.ts';
import { openFrontProxySession } from '../fakes/frontproxysession.ts';
import { ask2 } from '../fakes/http2client.ts';
import { until } from '../fakes/until.ts';
import { startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

const admin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
const alice = { 'x-remote-user': 'alice' };
let cluster: WholeCluster;
let proxied: ClientHttp2Session;

before(async () => {
  // A no that was remembered would be remembered for the whole test.
  cluster = await startWholeCluster(['--authorization-webhook-cache-unauthorized-ttl=1h']);
  proxied = await openFrontProxySession(cluster, admin);
});

after(async () => {
  proxied.destroy();
  await cluster[Symbol.asyncDispose]();
});

afterEach(async () => {
  cluster.apiServer.faults.answer = undefined;
  cluster.apiServer.reviews.access = () => ({ allowed: true });
});

let count = 0;
const nextPath = () => `/apis/metrics.k8s.io/v1/namespaces/n${(count += 1)}/pods`;

/** How many tries of reviews found no kube-apiserver. */
async function unanswered(): Promise<number> {
  const { text } = await ask2(proxied, '/metrics', admin);
  return Number(/rest_client_requests_total\{code="<error>",method="POST".*\} (\d+)/.exec(text)?.[1] ?? 0);
}

const untilUnanswered = (wanted: number) =>
  waitFor(`${wanted} tries that found nothing`, async () => (await unanswered()) >= wanted, 60_000, 5);

describe('a kube-apiserver that refuses connections and comes back', () => {
  test('answers the reviews that were asked meanwhile, and is watched again', async () => {
    const { apiServer } = cluster;
    apiServer.reviews.access = () => ({ allowed: true });
    const posts = await unanswered();
    await apiServer.faults.down();
    const asked = ask2(proxied, nextPath(), alice);
    await untilUnanswered(posts + 3);
    const before = apiServer.requests.length;
    await apiServer.faults.up();
    assert.equal((await asked).status, 200);
    const watched = () =>
      new Set(
        apiServer.requests
          .slice(before)
          .filter(({ query }) => query.has('watch'))
          .map(({ path }) => path),
      );
    await until('all is watched again', () => watched().size === 3);
  });

  test('is not believed for long when it denies what it allows a moment later', async () => {
    const { apiServer } = cluster;
    const posts = await unanswered();
    await apiServer.faults.down();
    apiServer.reviews.access = () => ({ allowed: false });
    const path = nextPath();
    const asked = ask2(proxied, path, alice);
    await untilUnanswered(posts + 1);
    await apiServer.faults.up();
    assert.equal((await asked).status, 403);
    apiServer.reviews.access = () => ({ allowed: true });
    await waitFor('it to be allowed', async () => (await ask2(proxied, path, alice)).status === 200, 60_000, 20);
  });

  test('is asked again where it refuses our own requests at first', async () => {
    const { apiServer } = cluster;
    const posts = await unanswered();
    await apiServer.faults.down();
    const asked = ask2(proxied, nextPath(), alice);
    await untilUnanswered(posts + 1);
    let refused = 0;
    apiServer.faults.answer = ({ method }) => (method === 'POST' && (refused += 1) <= 2 ? 403 : undefined);
    await apiServer.faults.up();
    assert.equal((await asked).status, 200);
    assert.equal(refused, 3);
  });
});
