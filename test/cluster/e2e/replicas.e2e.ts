/**
 * Two replicas behind one address, without a flag of kube-apiserver that spreads requests: they share the work, agree, and
 * a client that lists all the time does not notice when one is replaced. KUBEGAUGE_E2E_SERVER=metrics-server prints the
 * same figures of its release for high availability, for which some of these tests fail.
 */
import assert from 'node:assert/strict';
import { before, describe, type TestContext, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { waitFor } from '../wait.ts';
import { apiServiceNames, apiServiceState } from './apiservices.ts';
import { harness } from './harness.ts';
import { failures, type Listed, type Lister } from './lister.ts';
import { makeNamespace } from './namespaces.ts';
import { createReplicaLists, everyMs, type Restart } from './replicalists.ts';
import type { Replica, Replicas } from './replicas.ts';
import type { Change, ServiceAddress } from './serviceaddress.ts';
import { placesOf } from './spread.ts';

const shared = harness();
const { cluster, program, registration, brief } = shared;
const { list, judge } = createReplicaLists(shared);

const isOurs = program.name === 'kubegauge';
/** Answers after the last change that must be good too: several seconds. */
const answersAfter = 30;
/** Restarts of the Deployment, of two pods each, with certificates that are renewed after two thirds of their life. */
const restarts = 10;
const shortLife = '2m';
const renewalTimeoutMs = 150_000;
/** Roots of pods that are gone stay for 60 s and 10 s for each of them. */
const pruneTimeoutMs = 360_000;
const slowEveryMs = 200;
/** How often it lists while the shares of the replicas are counted. */
const busyEveryMs = 10;
/** Connections get as old as the arguments of the first pods say. metrics-server has no such limit, so that its connections stay. */
const connectionsWanted = isOurs ? (brief ? 100 : 400) : 1;
const wantedTimeoutMs = 300_000;
/** Requests at least. */
const requestsWanted = 1_000;
/**
 * Each connection goes to a random replica: of 400 connections, 40 to 60 % are four standard deviations. The short form
 * has fewer connections and takes as many standard deviations.
 */
const tolerated = 4 * Math.sqrt(0.25 / connectionsWanted);
/** Labels of requests for a list of metrics. */
const lists = /verb="LIST".*group="metrics.k8s.io"/;
const byHand = { skip: brief && isOurs && 'trust.e2e.ts has it in the short form' };

describe('two replicas', () => {
  let replicas: Replicas;
  let address: ServiceAddress;

  before(async () => {
    replicas = await shared.replicas();
    ({ address } = replicas);
    await registration.available();
  });

  /**
   * Does something while the client lists, and waits for some more answers.
   * @param work may return when a replica was killed.
   */
  async function listWhile(
    t: TestContext,
    work: (lister: Lister) => Promise<Restart | void>,
    ms = everyMs,
  ): Promise<readonly Listed[]> {
    await using lister = await list(ms);
    await lister.more(answersAfter);
    const restart = await work(lister);
    await lister.more(answersAfter);
    judge(t, lister.answers, restart ?? undefined);
    return lister.answers;
  }

  test('each takes about half of the requests, and timestamps go back by at most one resolution', async (t) => {
    await using lister = await list(busyEveryMs);
    const total = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((sum, count) => sum + count, 0);
    const [connectionsBefore, before] = [
      total(await address.connections()),
      await replicas.counted('apiserver_request_total', lists),
    ];
    await lister.more(requestsWanted);
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

    judge(t, lister.answers);
    assert.deepEqual(failures(lister.answers), []);
    for (const share of shares)
      assert.ok(Math.abs(share - 0.5) <= tolerated, `one replica took ${(100 * share).toFixed(1)} %`);
  });

  test('two versions that replace each other: no request fails', byHand, async (t) => {
    const answers = await listWhile(t, async () => {
      const found = await replicas.change({ image: replicas.nextImage });
      assert.deepEqual(new Set(found.map((replica) => replica.image)), new Set([replicas.nextImage]));
    });
    assert.deepEqual(failures(answers), []);
  });

  test(
    'an eviction: no request fails, and a second one waits until the first replica is replaced',
    byHand,
    async (t) => {
      const answers = await listWhile(t, async () => {
        const [first, second] = await replicas.settled();
        await replicas.evict(first);
        await assert.rejects(replicas.evict(second), /disruption budget/);
        await waitFor(
          'the first to be gone',
          async () => !(await replicas.settled()).some(({ name }) => name === first?.name),
          180_000,
        );
      });
      assert.deepEqual(failures(answers), []);
    },
  );

  test('a restart of kube-apiserver: what it answers when it is ready is good', byHand, async (t) => {
    let readyMs = 0;
    let stoppedMs = 0;
    const answers = await listWhile(t, async () => {
      stoppedMs = Date.now();
      await replicas.restartApiServer();
      readyMs = Date.now();
    });
    const meanwhile = answers.filter(({ atMs }) => atMs >= stoppedMs - everyMs && atMs < readyMs);
    for (const line of failures(meanwhile.filter(({ status }) => status !== 0))) t.diagnostic(`not ready yet: ${line}`);
    // A load balancer sends nothing to a kube-apiserver that is not ready.
    assert.deepEqual(failures(answers.filter((answer) => !meanwhile.includes(answer))), []);
  });

  const inFull = { skip: (brief && 'it takes ten minutes') || (!isOurs && 'it has no certificates of this kind') };
  test('20 pods, short-lived certificates, kube-apiserver: no request fails, no root is left', inFull, async (t) => {
    await replicas.change({ image: replicas.nextImage, extraArgs: [`--serving-certificate-duration=${shortLife}`] });
    const answers = await listWhile(t, () => replaceAll(restarts / 2), slowEveryMs);
    await replicas.restartApiServer();
    const more = await listWhile(
      t,
      async () => {
        await replaceAll(restarts / 2);
        const before = await replicas.serials();
        const isNew = async () =>
          (await replicas.serials()).entries().every(([name, serial]) => serial !== before.get(name));
        await waitFor('other certificates', isNew, renewalTimeoutMs, 2_000);
        await waitFor('the roots of the two pods, and no other', hasNoRootLeft, pruneTimeoutMs, 2_000);
      },
      slowEveryMs,
    );
    assert.deepEqual(failures([...answers, ...more]), []);
  });

  async function replaceAll(times: number): Promise<void> {
    for (let time = 0; time < times; time += 1) await replicas.restart();
  }

  async function hasNoRootLeft(): Promise<boolean> {
    const names = (await replicas.settled()).map(({ name }) => name).sort();
    const states = await Promise.all(apiServiceNames.map((name) => apiServiceState(cluster, name)));
    return states.every(({ published, staged }) => isDeepStrictEqual(published, names) && staged.length === 0);
  }

  test('SIGKILL of one replica: requests fail at most until its endpoint is removed', async (t) => {
    let killedMs = 0;
    let killed: Replica | undefined;
    const answers = await listWhile(t, async (lister) => {
      killed = await busyReplica(lister);
      killedMs = Date.now();
      await cluster.killContainer(killed.containerId);
      const removedMs = await removed(killed, killedMs, 60_000);
      await replicas.settled();
      return { killedMs, returnedMs: await returned(killed, removedMs) };
    });
    const removedMs = await removed(killed ?? assert.fail(), killedMs, 60_000);
    const failed = answers.filter(({ status }) => status !== 200);
    for (const line of failures(failed)) t.diagnostic(line);
    t.diagnostic(
      `${failed.length} requests failed; the endpoint was removed ${removedMs - killedMs} ms after the SIGKILL`,
    );
    assert.deepEqual(failures(failed.filter(({ atMs }) => atMs < killedMs - everyMs || atMs > removedMs)), []);
  });

  const lostInFull = { skip: brief && 'it takes two minutes' };
  test(
    'a lost replica: requests fail until its endpoint is removed and its connection has ended',
    lostInFull,
    async (t) => {
      await replicas.settled();
      await using lister = await list();
      const lost = await busyReplica(lister);
      const lostMs = Date.now();
      // Packets to its pod are lost, as when its node is.
      const rules = ['OUTPUT', 'FORWARD'].map((hook) => [hook, '-d', lost.ip, '-j', 'DROP']);
      for (const rule of rules) await cluster.runInNamespace('iptables', ['-w', '-I', ...rule]);
      try {
        const removedMs = await removed(lost, lostMs, 90_000);
        await waitFor(
          'the connection to end',
          () => {
            const end = lister.answers.slice(-answersAfter);
            return end.every(({ atMs, status }) => atMs > removedMs && status === 200);
          },
          90_000,
        );
        const failed = lister.answers.filter(({ status }) => status !== 200);
        for (const line of failures(failed)) t.diagnostic(line);
        const [slowest, last] = [Math.max(...lister.answers.map(({ tookMs }) => tookMs)), failed.at(-1)];
        const seconds = (ms = lostMs) => `${((ms - lostMs) / 1000).toFixed(1)} s`;
        t.diagnostic(
          `${failed.length} requests failed, the last at ${seconds(last && last.atMs + last.tookMs)}; the slowest took ${slowest} ms; the endpoint was removed after ${seconds(removedMs)}`,
        );
      } finally {
        for (const rule of rules) await cluster.runInNamespace('iptables', ['-w', '-D', ...rule]);
      }
      await replicas.settled();
    },
  );

  test('are put on different nodes, and on one where there is no other', async () => {
    const two = [
      { name: 'e2e-large', zone: 'a', cpu: '64' },
      { name: 'e2e-small', zone: 'b', cpu: '1' },
    ];
    const place = async (nodes: typeof two) => {
      const namespace = await makeNamespace(cluster, `e2e-spread-${nodes.length}`);
      return (await placesOf(cluster, namespace, replicas.deployment, nodes)).sort();
    };
    assert.deepEqual(await place(two), ['e2e-large', 'e2e-small']);
    assert.deepEqual(await place(two.slice(1)), ['e2e-small', 'e2e-small']);
  });

  /** Resolves with the time from which on new connections did not go to the replica. */
  function removed({ ip }: Replica, sinceMs: number, timeoutMs: number): Promise<number> {
    const isGone = ({ atMs, addresses }: Change) => atMs >= sinceMs && !addresses.includes(ip);
    return waitFor('the endpoint to be removed', () => address.changes.find(isGone)?.atMs, timeoutMs);
  }

  /** Resolves with the time from which on new connections went to the replica again. */
  function returned({ ip }: Replica, removedMs: number): Promise<number> {
    const isBack = ({ atMs, addresses }: Change) => atMs > removedMs && addresses.includes(ip);
    return waitFor('the endpoint to return', () => address.changes.find(isBack)?.atMs, 180_000);
  }

  /** Returns the replica that has kube-apiserver's connection. */
  async function busyReplica(lister: Lister): Promise<Replica> {
    const before = await replicas.counted('apiserver_request_total', lists);
    await lister.more(answersAfter);
    const counts = await replicas.counted('apiserver_request_total', lists);
    const more = (name: string) => (counts.get(name) ?? 0) - (before.get(name) ?? 0);
    const [busy] = (await replicas.settled()).toSorted((a, b) => more(b.name) - more(a.name));
    return busy ?? assert.fail();
  }
});
