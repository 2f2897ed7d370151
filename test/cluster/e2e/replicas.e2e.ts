/**
 * Two replicas behind one address, without a flag of kube-apiserver that spreads requests: they share the work, agree, and
 * a client that lists all the time does not notice when one is replaced.
 */
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { V1Deployment } from '@kubernetes/client-node';
import { waitFor } from '../wait.ts';
import { harness } from './harness.ts';
import { failures, incomplete, type Listed, type Lister, startLister, stepsBack } from './lister.ts';
import { loadPods } from './loads.ts';
import { deployReplicas, type Replica, type Replicas } from './replicas.ts';
import { resolutionMs } from './server.ts';
import { type ServiceAddress, translateServiceAddress } from './serviceaddress.ts';

const shared = harness();
const { cluster, program, loads, credentials, registration, server, brief } = shared;

const paths = ['/apis/metrics.k8s.io/v1beta1/nodes', '/apis/metrics.k8s.io/v1/pods'];
/** How often the client lists while something is replaced. */
const everyMs = 100;
/** Answers after the last change that must be good too: several seconds. */
const answersAfter = 30;
/** Objects that run through all of it. */
const lasting = [cluster.nodeName, ...loadPods.map((name) => name.replace(/^.*\//, ''))];
/** How often it lists, and how old connections get, while the shares of the replicas are counted. */
const busyEveryMs = 10;
const shortAge = '250ms';
const connectionsWanted = brief ? 100 : 400;
const wantedTimeoutMs = 300_000;
/**
 * Each connection goes to a random replica: of 400 connections, 40 to 60 % are four standard deviations. The short form
 * has fewer connections and takes as many standard deviations.
 */
const tolerated = 4 * Math.sqrt(0.25 / connectionsWanted);

/** Labels of requests for a list of metrics. */
const lists = /verb="LIST".*group="metrics.k8s.io"/;

describe('two replicas', { skip: program.name !== 'kubegauge' && 'the image is our own' }, () => {
  let replicas: Replicas;
  let address: ServiceAddress;
  const image = (registration.base.find(({ kind }) => kind === 'Deployment') as V1Deployment | undefined)?.spec
    ?.template.spec?.containers[0]?.image;
  const nextImage = `${image}-next`;

  before(async () => {
    await loads.running();
    await cluster.importArchive(await shared.productImage());
    await cluster.tagImage(`docker.io/library/${image}`, `docker.io/library/${nextImage}`);
    await registration.remove();
    assert.equal(await server().stop(), 0, server().log());
    replicas = await deployReplicas(shared);
    address = await translateServiceAddress(cluster, 'kube-system', 'metrics-server');
    await cluster.restartApiServer((args) => args.filter((arg) => !arg.startsWith('--enable-aggregator-routing')));
    await replicas.settled();
    await registration.available();
  });
  after(async () => {
    await replicas.remove();
    await cluster.restartApiServer();
    await address[Symbol.asyncDispose]();
    await registration.add();
    await credentials.renewServer();
    await shared.restart();
    await registration.available();
  });

  const list = (ms = everyMs) =>
    startLister(cluster, { url: cluster.apiServerUrl, paths, token: credentials.readerToken, everyMs: ms });

  /** Does something while the client lists, and waits for some more answers. */
  async function listWhile(t: TestContext, work: (lister: Lister) => Promise<void>): Promise<readonly Listed[]> {
    await using lister = await list();
    await lister.more(answersAfter);
    await work(lister);
    await lister.more(answersAfter);
    report(t, lister.answers);
    return lister.answers;
  }

  function report(t: TestContext, answers: readonly Listed[]): void {
    const slowest = answers.reduce((ms, { tookMs }) => Math.max(ms, tookMs), 0);
    t.diagnostic(`${answers.length} requests, ${failures(answers).length} failed, the slowest took ${slowest} ms`);
    const lacking = incomplete(answers, lasting);
    for (const line of [...lacking.slice(0, 3), ...lacking.slice(-1)]) t.diagnostic(line);
    const { compared, backMs } = stepsBack(answers);
    const furthestMs = Math.max(0, ...backMs);
    t.diagnostic(
      `timestamps went back in ${backMs.length} of ${compared} pairs of answers, by at most ${furthestMs} ms`,
    );
    assert.equal(lacking.length, 0, `${lacking.length} lists lack a pod or the node`);
    assert.ok(furthestMs <= resolutionMs);
  }

  test('two versions that replace each other: no request fails', async (t) => {
    const answers = await listWhile(t, async () => {
      const found = await replicas.change({ image: nextImage });
      assert.deepEqual(new Set(found.map((replica) => replica.image)), new Set([nextImage]));
    });
    assert.deepEqual(failures(answers), []);
  });

  test('an eviction: no request fails, and a second one waits until the first replica is replaced', async (t) => {
    const answers = await listWhile(t, async () => {
      const [first, second] = await replicas.settled();
      await evict(first);
      await assert.rejects(evict(second), /disruption budget/);
      await waitFor(
        'the first to be gone',
        async () => !(await replicas.settled()).some(({ name }) => name === first?.name),
        60_000,
      );
    });
    assert.deepEqual(failures(answers), []);
  });

  test('a restart of kube-apiserver: what it answers when it is ready is good', async (t) => {
    let readyMs = 0;
    let stoppedMs = 0;
    const answers = await listWhile(t, async () => {
      stoppedMs = Date.now();
      await cluster.restartApiServer((args) => args.filter((arg) => !arg.startsWith('--enable-aggregator-routing')));
      readyMs = Date.now();
    });
    const meanwhile = answers.filter(({ atMs }) => atMs >= stoppedMs - everyMs && atMs < readyMs);
    for (const line of failures(meanwhile.filter(({ status }) => status !== 0))) t.diagnostic(`not ready yet: ${line}`);
    // A load balancer sends nothing to a kube-apiserver that is not ready.
    assert.deepEqual(failures(answers.filter((answer) => !meanwhile.includes(answer))), []);
  });

  test('SIGKILL of one replica: requests fail at most until its endpoint is removed', async (t) => {
    let killedMs = 0;
    let killed: Replica | undefined;
    const answers = await listWhile(t, async (lister) => {
      killed = await busyReplica(lister);
      killedMs = Date.now();
      await cluster.killContainer(killed.containerId);
      await removed();
      await replicas.settled();
    });
    const removedMs = await removed();
    const failed = answers.filter(({ status }) => status !== 200);
    for (const line of failures(failed)) t.diagnostic(line);
    t.diagnostic(
      `${failed.length} requests failed; the endpoint was removed ${removedMs - killedMs} ms after the SIGKILL`,
    );
    assert.deepEqual(failures(failed.filter(({ atMs }) => atMs < killedMs - everyMs || atMs > removedMs)), []);

    function removed(): Promise<number> {
      const isGone = ({ atMs, addresses }: ServiceAddress['changes'][number]) =>
        atMs >= killedMs && !addresses.includes(killed?.ip ?? '');
      return waitFor('the endpoint to be removed', () => address.changes.find(isGone)?.atMs, 60_000);
    }
  });

  test('each takes about half of the requests, and timestamps go back by at most one resolution', async (t) => {
    const answers = await listWhile(t, async () => {
      await replicas.change({ image: image ?? '', extraArgs: [`--max-connection-age=${shortAge}`] });
    });
    assert.deepEqual(failures(answers), []);

    await using lister = await list(busyEveryMs);
    const total = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((sum, count) => sum + count, 0);
    const [connectionsBefore, before] = [
      total(await address.connections()),
      await replicas.counted('apiserver_request_total', lists),
    ];
    await waitFor(
      `${connectionsWanted} connections`,
      async () => total(await address.connections()) - connectionsBefore >= connectionsWanted,
      wantedTimeoutMs,
      1_000,
    );
    const [connections, counted] = [
      total(await address.connections()),
      await replicas.counted('apiserver_request_total', lists),
    ];
    const requests = new Map([...counted].map(([name, count]) => [name, count - (before.get(name) ?? 0)]));
    assert.equal(requests.size, 2);
    const shares = [...requests.values()].map((count) => count / total(requests));
    t.diagnostic(
      `${total(requests)} requests over ${connections - connectionsBefore} connections: ${shares.map((share) => `${(100 * share).toFixed(1)} %`).join(' and ')}`,
    );

    report(t, lister.answers);
    assert.deepEqual(failures(lister.answers), []);
    for (const share of shares)
      assert.ok(Math.abs(share - 0.5) <= tolerated, `one replica took ${(100 * share).toFixed(1)} %`);
  });

  /** Returns the replica that has kube-apiserver's connection. */
  async function busyReplica(lister: Lister): Promise<Replica> {
    const before = await replicas.counted('apiserver_request_total', lists);
    await lister.more(answersAfter);
    const counts = await replicas.counted('apiserver_request_total', lists);
    const more = (name: string) => (counts.get(name) ?? 0) - (before.get(name) ?? 0);
    const [busy] = (await replicas.settled()).toSorted((a, b) => more(b.name) - more(a.name));
    return busy ?? assert.fail();
  }

  async function evict(replica: Replica | undefined): Promise<void> {
    const name = replica?.name ?? '';
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'kube-system' } };
    const path = `/api/v1/namespaces/kube-system/pods/${name}/eviction`;
    await cluster.kubectl(['create', '--raw', path, '-f', '-'], { input: JSON.stringify(eviction) });
  }
});
