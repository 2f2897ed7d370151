import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createHealthChecks, readyWithoutUsageMs, type Vitals } from '../../../src/command/readiness.ts';
import { type HealthPath, reportHealth } from '../../../src/server/health.ts';
import { createFakeClock } from '../../fakes/clock.ts';

function setUp(rest: Partial<Vitals> = {}) {
  const clock = createFakeClock();
  const checks = createHealthChecks({
    clock,
    resolutionMs: 15_000,
    nodesSyncedMs: () => 0,
    podsSynced: () => true,
    trustKnown: () => true,
    certificateProblem: undefined,
    isWarm: () => true,
    isFresh: () => true,
    sinceLastTickMs: () => 0,
    stopping: () => false,
    ...rest,
  });
  const failing = (path: HealthPath) =>
    checks[path].filter((check) => check.problem() !== undefined).map(({ name }) => name);
  return { clock, checks, failing };
}

describe('ready', () => {
  test('with usage and both informers', () => assert.deepEqual(setUp().failing('/readyz'), []));

  test('not before the first usage, but after a minute without any', async () => {
    const { clock, failing } = setUp({ isWarm: () => false });
    await clock.advance(readyWithoutUsageMs - 1);
    assert.deepEqual(failing('/readyz'), ['metric-storage-ready']);
    await clock.advance(1);
    assert.deepEqual(failing('/readyz'), []);
  });

  test('not for want of time while kube-apiserver was away: the minute begins when the nodes are known', async () => {
    let syncedMs: number | undefined;
    const { clock, failing } = setUp({ isWarm: () => false, nodesSyncedMs: () => syncedMs });
    await clock.advance(readyWithoutUsageMs);
    assert.deepEqual(failing('/readyz'), ['metric-storage-ready', 'metric-informer-sync']);
    syncedMs = clock.monotonicMs();
    await clock.advance(readyWithoutUsageMs - 1);
    assert.deepEqual(failing('/readyz'), ['metric-storage-ready']);
    await clock.advance(1);
    assert.deepEqual(failing('/readyz'), []);
  });

  test('not with the usage of a snapshot alone', async () => {
    let isFresh = false;
    const { clock, failing } = setUp({ isFresh: () => isFresh });
    assert.deepEqual(failing('/readyz'), ['metric-storage-ready']);
    await clock.advance(readyWithoutUsageMs);
    assert.deepEqual(failing('/readyz'), ['metric-storage-ready']);
    assert.deepEqual(failing('/livez'), []);
    isFresh = true;
    assert.deepEqual(failing('/readyz'), []);
  });

  test('not before the informers', () => {
    const { failing } = setUp({ nodesSyncedMs: () => undefined, podsSynced: () => false });
    assert.deepEqual(failing('/readyz'), ['metric-informer-sync', 'metadata-informer-sync']);
  });

  test('not while the CAs for clients are unknown', () => {
    assert.deepEqual(setUp({ trustKnown: () => false }).failing('/readyz'), ['metadata-informer-sync']);
  });

  test('not before kube-apiserver accepts the certificate', () => {
    const { failing } = setUp({
      certificateProblem: () => ({ code: 'RootNotPublished', text: 'our root is being added' }),
    });
    assert.deepEqual(failing('/readyz'), ['serving-certificate-trusted']);
    assert.deepEqual(failing('/livez'), []);
    assert.deepEqual(setUp({ certificateProblem: () => undefined }).failing('/readyz'), []);
  });

  test('not after SIGTERM', () => {
    assert.deepEqual(setUp({ stopping: () => true }).failing('/readyz'), ['shutdown']);
  });
});

describe('alive', () => {
  test('whatever is missing', () => {
    const { failing } = setUp({
      nodesSyncedMs: () => undefined,
      podsSynced: () => false,
      isWarm: () => false,
      stopping: () => true,
    });
    assert.deepEqual(failing('/livez'), []);
    assert.deepEqual(failing('/healthz'), []);
  });

  test('not with a scrape loop that is stuck', () => {
    assert.deepEqual(setUp({ sinceLastTickMs: () => 22_500 }).failing('/livez'), []);
    assert.deepEqual(setUp({ sinceLastTickMs: () => 22_501 }).failing('/livez'), ['metric-collection-timely']);
  });
});

test('the checks have the names and the order of metrics-server', async () => {
  const { checks } = setUp();
  const verbose = { verbose: true, excluded: [], maySeeReasons: undefined };
  assert.equal(
    (await reportHealth('/readyz', checks['/readyz'], verbose)).text,
    '[+]ping ok\n[+]log ok\n[+]poststarthook/max-in-flight-filter ok\n[+]poststarthook/storage-object-count-tracker-hook ok\n' +
      '[+]metric-storage-ready ok\n[+]metric-informer-sync ok\n[+]metadata-informer-sync ok\n[+]shutdown ok\nreadyz check passed\n',
  );
  assert.equal(
    (await reportHealth('/livez', checks['/livez'], verbose)).text,
    '[+]ping ok\n[+]log ok\n[+]poststarthook/max-in-flight-filter ok\n[+]poststarthook/storage-object-count-tracker-hook ok\n' +
      '[+]metric-collection-timely ok\n[+]metadata-informer-sync ok\nlivez check passed\n',
  );
});
