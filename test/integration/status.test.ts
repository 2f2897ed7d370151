/** Tests the reports of GET /status and `kubegauge status` for a whole program, and which users get them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import type { ClientHttp2Session } from 'node:http2';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { createDiscovery } from '../../src/api/discovery.ts';
import { discoveredMetrics } from '../../src/api/resources.ts';
import { statusResourcePath } from '../../src/api/statusresource.ts';
import { encodeJson } from '../../src/apimachinery/meta.ts';
import type { StatusReport } from '../../src/server/statuspage.ts';
import { ask2, openSession } from '../fakes/http2client.ts';
import { runProgram } from '../fakes/program.ts';
import { until } from '../fakes/until.ts';
import { nodeNames, podNode, startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

const admin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
const alice = { 'x-remote-user': 'alice', 'x-remote-group': 'dev' };
let folder: string;
let cluster: WholeCluster;
let session: ClientHttp2Session | undefined;

before(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
  cluster = await startWholeCluster([`--cert-dir=${folder}`, '--authentication-token-webhook-cache-ttl=0s']);
  // It asks for nothing before it listens.
  await until('it listens', () => cluster.apiServer.requests.length > 0);
  const deadlineMs = performance.now() + 120_000;
  for (let nodes = (await status()).nodes; !isEachScraped(nodes); nodes = (await status()).nodes) {
    assert.ok(
      performance.now() < deadlineMs,
      `not all nodes were scraped within two minutes: ${JSON.stringify(nodes)}`,
    );
  }
});

after(async () => {
  session?.destroy();
  await cluster[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const isEachScraped = (nodes: StatusReport['nodes']) =>
  nodes.length === nodeNames.length && nodes.every(({ state }) => state === 'scraped');

/** Returns an open one: without test/all.ts all tests of the run may come between the start and the first one here, and the server closes what is idle for so long. */
async function proxied(): Promise<ClientHttp2Session> {
  if (session === undefined || session.closed || session.destroyed) {
    const certificate = cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
    session = await openSession(cluster.port, certificate);
  }
  return session;
}

async function status(query = ''): Promise<StatusReport> {
  const answer = await ask2(await proxied(), `/status${query}`, admin);
  if (answer.status === 503) return { nodes: [] as StatusReport['nodes'] } as StatusReport;
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text) as StatusReport;
}

describe('GET /status', () => {
  test('reports where the numbers of every node are from and how old they are', async () => {
    const { nodes, degraded } = await status();
    assert.deepEqual(
      nodes.map(({ name }) => name),
      [...nodeNames].sort(),
    );
    assert.deepEqual(degraded, []);
    for (const node of nodes) {
      assert.deepEqual(
        [node.ready, node.state, node.source, node.verifiedBy, node.failures],
        [true, 'scraped', 'cadvisor', 'address', 0],
      );
      const { port } = node.name === podNode ? cluster.kubelet : cluster.otherKubelet;
      assert.equal(node.address, `127.0.0.1:${port}`);
      if (node.served) assert.match(node.age ?? '', /^[\d.]+m?s$/);
      else assert.equal(node.missing, 'one-sample');
    }
  });

  test('reports the nodes that are named', async () => {
    const { nodes } = await status('?node=node-3&node=node-1');
    assert.deepEqual(
      nodes.map(({ name }) => name),
      ['node-1', 'node-3'],
    );
    assert.equal((await ask2(await proxied(), '/status?node=', admin)).status, 400);
  });

  test('is summed up at /metrics', async () => {
    const { text } = await ask2(await proxied(), '/metrics', admin);
    assert.match(text, new RegExp(`^kubegauge_nodes\\{state="scraped"\\} ${nodeNames.length}$`, 'm'));
    assert.match(text, /^kubegauge_nodes\{state="failing"\} 0$/m);
  });

  test('needs the right', async () => {
    assert.equal((await ask2(await proxied(), '/status', alice)).status, 403);
    cluster.apiServer.reviews.access = ({ nonResourceAttributes }) => ({
      allowed: isDeepStrictEqual(nonResourceAttributes, { path: '/status', verb: 'get' }),
      reason: '',
    });
    assert.equal((await ask2(await proxied(), '/status', { ...alice, 'x-remote-user': 'bob' })).status, 200);
  });
});

describe('kubegauge status', () => {
  const run = (...argv: readonly string[]) => runProgram(['status', ...argv]);
  const flags = () => [
    `--kubeconfig=${cluster.kubeconfig}`,
    `--secure-port=${cluster.port}`,
    '--bind-address=127.0.0.1',
  ];

  test('prints the report by the flags of the server', async () => {
    cluster.apiServer.reviews.token = () => ({ authenticated: true, user: { username: 'operator' } });
    cluster.apiServer.reviews.access = () => ({ allowed: true, reason: '' });
    const { code, out, err } = await run('node-2', ...flags(), `--cert-dir=${folder}`);
    assert.equal(code, 0, err);
    assert.match(out, /^all is well$/m);
    assert.match(out, /^node-2 +yes +scraped +cadvisor +127\.0\.0\.1:\d+ +address /m);
    assert.doesNotMatch(out, /node-3/);
  });

  test('names the nodes that are not in the report, beside those that are', async () => {
    cluster.apiServer.reviews.token = () => ({ authenticated: true, user: { username: 'operator' } });
    cluster.apiServer.reviews.access = () => ({ allowed: true, reason: '' });
    const { code, out, err } = await run('node-2', 'nope', 'neither', ...flags(), `--cert-dir=${folder}`);
    assert.equal(code, 1);
    assert.match(out, /^node-2 +yes /m);
    assert.match(err, /^kubegauge: not scraped: nope, neither; there is no such Node, or --node-selector/);
  });

  test('sends its credentials to no other server', async () => {
    const other = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
    const { code, err } = await run(...flags(), `--cert-dir=${other}`);
    rmSync(other, { recursive: true });
    assert.equal(code, 1);
    assert.match(err, /^kubegauge: cannot read the server's certificate .*; give status the flags of the server/);
  });

  test('says what to do if nothing answers, or if the right is missing', async () => {
    const [kubeconfig = ''] = flags();
    const unanswered = await run(kubeconfig, '--secure-port=1', `--cert-dir=${folder}`);
    assert.deepEqual([unanswered.code, unanswered.out], [1, '']);
    assert.match(unanswered.err, /does not answer at https:\/\/127\.0\.0\.1:1\/status.*does it run\?/);
    cluster.apiServer.reviews.token = () => ({ authenticated: true, user: { username: 'stranger' } });
    cluster.apiServer.reviews.access = () => ({ allowed: false, reason: '' });
    const stranger = await run(...flags(), `--cert-dir=${folder}`);
    assert.match(stranger.err, /answers 403.*non-resource URL \/status/s);
  });
});

describe('the report as a resource of metrics.k8s.io', () => {
  type Spec = Parameters<WholeCluster['apiServer']['reviews']['access']>[0];
  const isRight = ({ resourceAttributes }: Spec) => resourceAttributes !== undefined;
  const isPath = ({ nonResourceAttributes }: Spec) =>
    isDeepStrictEqual(nonResourceAttributes, { path: '/status', verb: 'get' });
  /** Asks as a user that no review is cached of. */
  const askAs = async (name: string, access: (spec: Spec) => boolean, path = statusResourcePath) => {
    cluster.apiServer.reviews.access = (spec) => ({ allowed: access(spec), reason: '' });
    return ask2(await proxied(), path, { ...alice, 'x-remote-user': name });
  };

  test('is that of /status, of the same nodes', async () => {
    const answer = await ask2(await proxied(), `${statusResourcePath}?node=node-3&node=node-1`, admin);
    assert.deepEqual([answer.status, answer.headers['content-type']], [200, 'application/json']);
    const [report, direct] = [JSON.parse(answer.text) as StatusReport, await status('?node=node-3&node=node-1')];
    assert.deepEqual(Object.keys(report), Object.keys(direct));
    assert.deepEqual(
      [report.startTime, report.nodes.map(({ name }) => name)],
      [direct.startTime, ['node-1', 'node-3']],
    );
  });

  test('needs the right to the resource and to the path: neither alone is enough', async () => {
    const readsAll = await askAs('wildcard', isRight);
    assert.equal(readsAll.status, 403);
    assert.match(readsAll.text, /User \\"wildcard\\" cannot get path \\"\/status\\"/);
    const ofPath = await askAs('path', isPath);
    assert.equal(ofPath.status, 403);
    const denied =
      /cannot list resource \\"kubegauge_status\\" in API group \\"metrics\.k8s\.io\\" at the cluster scope/;
    assert.match(ofPath.text, denied);
    const reviewed: Spec[] = [];
    const both = await askAs('both', (spec) => {
      reviewed.push(spec);
      return isRight(spec) || isPath(spec);
    });
    assert.equal(both.status, 200);
    assert.deepEqual(
      reviewed.map(({ resourceAttributes, nonResourceAttributes }) => resourceAttributes ?? nonResourceAttributes),
      [
        { verb: 'list', group: 'metrics.k8s.io', version: 'v1beta1', resource: 'kubegauge_status' },
        { path: '/status', verb: 'get' },
      ],
    );
  });

  test('is denied while the review of the path fails', async () => {
    const { faults } = cluster.apiServer;
    cluster.apiServer.reviews.access = (spec) => {
      // The next review is that of the path.
      faults.answer = ({ path }) => (path.endsWith('/subjectaccessreviews') ? 400 : undefined);
      return { allowed: isRight(spec), reason: '' };
    };
    const { status } = await ask2(await proxied(), statusResourcePath, { ...alice, 'x-remote-user': 'outage' });
    faults.answer = undefined;
    assert.equal(status, 500);
  });

  test('is only read, at one path', async () => {
    const version = '/apis/metrics.k8s.io/v1beta1';
    const codes = async (name: string, ...paths: readonly string[]) => {
      const found: number[] = [];
      for (const path of paths) found.push((await askAs(name, () => true, path)).status);
      return found;
    };
    assert.deepEqual(await codes('watcher', `${statusResourcePath}?watch=1`), [405]);
    const others = [
      `${statusResourcePath}/x`,
      `${statusResourcePath}//x`,
      `${version}/namespaces/web/kubegauge_status`,
      `${version}/watch/kubegauge_status`,
      '/apis/metrics.k8s.io/v1/kubegauge_status',
      '/apis/other.example/v1beta1/kubegauge_status',
    ];
    assert.deepEqual(
      await codes('reader', ...others),
      Array.from(others, () => 404),
    );
    const put = { ...alice, 'x-remote-user': 'writer', ':method': 'PUT', ':path': statusResourcePath };
    assert.equal((await ask2(await proxied(), statusResourcePath, put)).status, 405);
  });

  test('is in no document of discovery or OpenAPI, nor in the index of paths', async () => {
    const { documents, groupList, aggregated } = createDiscovery(`:${cluster.port}`, [discoveredMetrics()]);
    const textOf = async (path: string, accept = 'application/json') =>
      (await ask2(await proxied(), path, { ...admin, accept })).text;
    for (const [path, document] of [...documents, ['/apis', groupList] as const]) {
      assert.equal(await textOf(path), encodeJson(document.json()).toString(), path);
    }
    const whole = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    assert.equal(await textOf('/apis', whole), encodeJson(aggregated.v2.json()).toString());
    for (const path of ['/openapi/v2', '/openapi/v3/apis/metrics.k8s.io/v1beta1', '/']) {
      const text = await textOf(path);
      assert.match(text, /metrics\.k8s\.io/, path);
      assert.doesNotMatch(text, /kubegauge_status/, path);
    }
  });
});
