/** Counts the calls of the functions that only fast paths call, in the whole program: none with --disable-fast-path, some without it. */
import assert from 'node:assert/strict';
import { Session } from 'node:inspector/promises';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask2, openSession } from '../fakes/http2client.ts';
import { coresUsed, startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

/** File below src, and function; of each module with a fast path. */
const fastPaths = [
  ['exposition: a matched series', 'decode/cadvisor/cadvisor.ts', 'add'],
  ['decode: numbers of a steady batch', 'decode/fastpath.ts', 'steadyNumbers'],
  ['storage: rows of numbers', 'storage/rows.ts', 'updateRows'],
  ['api: compact JSON', 'api/jsonpieces.ts', 'jsonPieces'],
] as const;

/** Scrapes of each node after which every fast path has been taken: the first ones learn what is there. */
const enoughScrapes = 3;
/** The least, by the flag's table. */
const resolution = '--metric-resolution=10s';
const deadlineMs = 90_000;

/** Runs the program until it has scraped often enough, and reads lists meanwhile. Returns the calls of each function by `file function`, and the last list of pods. */
async function callsWith(flags: readonly string[]): Promise<{ calls: ReadonlyMap<string, number>; pods: string }> {
  const profiler = new Session();
  profiler.connect();
  await profiler.post('Profiler.enable');
  await profiler.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  try {
    let pods: string;
    {
      await using cluster = await startWholeCluster([resolution, ...flags]);
      pods = await podsAfter(cluster);
    }
    const { result } = await profiler.post('Profiler.takePreciseCoverage');
    const calls = new Map<string, number>();
    for (const { url, functions } of result) {
      const file = /\/src\/(.*)$/.exec(url)?.[1];
      for (const { functionName, ranges } of functions) {
        const key = `${file} ${functionName}`;
        if (file !== undefined) calls.set(key, (calls.get(key) ?? 0) + (ranges[0]?.count ?? 0));
      }
    }
    return { calls, pods };
  } finally {
    await profiler.post('Profiler.stopPreciseCoverage');
    profiler.disconnect();
  }
}

async function podsAfter(cluster: WholeCluster): Promise<string> {
  const frontProxy = cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
  const end = performance.now() + deadlineMs;
  while (cluster.kubelet.requests.length < enoughScrapes) {
    assert.ok(performance.now() < end, `${cluster.kubelet.requests.length} scrapes in ${deadlineMs} ms`);
    await sleep(100);
  }
  const session = await openSession(cluster.port, frontProxy);
  try {
    const headers = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
    for (;;) {
      const { status, text } = await ask2(session, '/apis/metrics.k8s.io/v1/pods', headers);
      assert.equal(status, 200, text);
      if ((JSON.parse(text) as { items: unknown[] }).items.length > 0) return text;
      assert.ok(performance.now() < end, 'no pod was served');
      await sleep(100);
    }
  } finally {
    session.destroy();
  }
}

const keyOf = ([, file, name]: (typeof fastPaths)[number]): string => `${file} ${name}`;

/** Of Kubernetes' quantities those that CPU has: 250m, 1234567n, 1. */
function parseCores(quantity: string): number {
  const scale = { n: 1e-9, u: 1e-6, m: 1e-3 }[quantity.at(-1) ?? ''] ?? 1;
  return Number.parseInt(quantity, 10) * scale;
}

/** Cores of each container. */
function cores(pods: string): Map<string, number> {
  const { items } = JSON.parse(pods) as {
    items: { metadata: { name: string }; containers: { name: string; usage: { cpu: string } }[] }[];
  };
  return new Map(
    items.flatMap(({ metadata, containers }) =>
      containers.map(({ name, usage }) => [`${metadata.name}/${name}`, parseCores(usage.cpu)]),
    ),
  );
}

test('--disable-fast-path takes no fast path, and serves the same usages', async (t) => {
  const usual = await callsWith([]);
  const slow = await callsWith(['--disable-fast-path']);
  for (const path of fastPaths) {
    t.diagnostic(`${path[0]}: ${usual.calls.get(keyOf(path))} calls, ${slow.calls.get(keyOf(path))} with the flag`);
    assert.ok((usual.calls.get(keyOf(path)) ?? 0) > 0, `${path[0]} is not taken without the flag`);
    assert.equal(slow.calls.get(keyOf(path)) ?? 0, 0, `${path[0]} is taken with the flag`);
  }
  // The admission of pods has its fast path inside a function: with the flag each batch is decided about.
  const decided = ({ calls }: typeof usual) => [
    calls.get('storage/admission.ts admit'),
    calls.get('storage/admission.ts decide'),
  ];
  const [admitted = 0, decisions = 0] = decided(usual);
  assert.ok(decisions > 0 && decisions < admitted, `${decisions} decisions about ${admitted} batches`);
  const [slowAdmitted, slowDecisions] = decided(slow);
  assert.equal(slowDecisions, slowAdmitted);
  for (const { pods } of [usual, slow]) {
    const found = cores(pods);
    assert.ok(found.size > 0);
    for (const [name, used] of found)
      assert.ok(Math.abs(used - coresUsed) < 0.05 * coresUsed, `${name}: ${used} cores`);
  }
  assert.deepEqual([...cores(usual.pods).keys()], [...cores(slow.pods).keys()]);
});
