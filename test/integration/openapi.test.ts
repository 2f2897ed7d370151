/** OpenAPI over the wire, as kube-apiserver's aggregator and its clients request it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Agent, request } from 'undici';
import { until } from '../fakes/until.ts';
import { startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

let cluster: WholeCluster;
let frontProxy: Agent;

before(async () => {
  cluster = await startWholeCluster();
  const certificate = cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
  frontProxy = new Agent({ connect: { rejectUnauthorized: false, ...certificate } });
  let known = false;
  await until('it is known whom to trust', () => {
    void ask('/version')
      .then(({ status }) => (known = status === 200))
      .catch(() => undefined);
    return known;
  });
});

after(async () => {
  await frontProxy.close();
  await cluster[Symbol.asyncDispose]();
});

async function ask(target: string, headers: Record<string, string> = {}, method: 'GET' | 'HEAD' | 'POST' = 'GET') {
  const answer = await request(`https://127.0.0.1:${cluster.port}${target}`, {
    dispatcher: frontProxy,
    method,
    headers: { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters', ...headers },
  });
  const body = Buffer.from(await answer.body.arrayBuffer());
  return { status: answer.statusCode, headers: answer.headers, body };
}

test('v2 is served in full once, then by 304', async () => {
  const { status, headers, body } = await ask('/openapi/v2', { accept: 'application/json' });
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(headers['vary'], 'Accept-Encoding, Accept');
  assert.equal(headers['cache-control'], 'no-cache, private');
  assert.equal(headers['etag'], `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"`);
  const document = JSON.parse(body.toString());
  assert.equal(document.swagger, '2.0');
  assert.ok('/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods/{name}' in document.paths);
  const again = await ask('/openapi/v2', { 'if-none-match': headers['etag'] });
  assert.equal(again.status, 304);
  assert.equal(again.headers['content-type'], undefined);
  assert.equal(again.body.length, 0);
});

test('v2 answers a POST like a GET, and a HEAD without the body', async () => {
  const { headers, body } = await ask('/openapi/v2');
  const posted = await ask('/openapi/v2', {}, 'POST');
  assert.equal(Buffer.compare(posted.body, body), 0);
  const head = await ask('/openapi/v2', {}, 'HEAD');
  assert.deepEqual([head.status, head.headers['etag'], head.body.length], [200, headers['etag'], 0]);
});

test('v2 answers an unknown media type by 406 without a body', async () => {
  const { status, headers, body } = await ask('/openapi/v2', { accept: 'text/html' });
  assert.deepEqual([status, headers['content-type'], body.length], [406, undefined, 0]);
});

test('v3 has an index whose links lead to documents that may be cached', async () => {
  const index = JSON.parse((await ask('/openapi/v3')).body.toString());
  const links: string[] = Object.values<{ serverRelativeURL: string }>(index.paths).map(
    (each) => each.serverRelativeURL,
  );
  assert.equal(links.length, 3);
  for (const link of links) {
    const { status, headers, body } = await ask(link);
    assert.equal(status, 200, link);
    assert.equal(headers['cache-control'], 'public, immutable');
    assert.match(String(headers['expires']), /^\w{3}, \d\d \w{3} 20\d\d .* GMT$/);
    assert.equal(JSON.parse(body.toString()).openapi, '3.0.0');
    const wrong = await ask(link.replace(/hash=.*/, 'hash=ABC'));
    assert.deepEqual([wrong.status, wrong.headers['location']], [200, undefined], 'kube-apiserver follows no redirect');
    assert.equal(wrong.headers['cache-control'], 'public, max-age=10');
    assert.equal(Buffer.compare(wrong.body, body), 0);
    const bare = await ask(link.replace(/\?.*/, ''));
    assert.deepEqual([bare.status, bare.headers['cache-control']], [200, 'no-cache, private']);
  }
});

test('v3 has no other documents, and the index of paths has v2 and the index', async () => {
  assert.equal((await ask('/openapi/v3/apis/nope/v1')).status, 404);
  const { paths } = JSON.parse((await ask('/')).body.toString());
  assert.deepEqual(
    paths.filter((path: string) => path.startsWith('/openapi')),
    ['/openapi/v2', '/openapi/v3'],
  );
});
