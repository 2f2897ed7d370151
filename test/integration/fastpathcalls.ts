/**
 * Runs the whole program in this process, with the flags of the command line, until it has scraped often enough, and prints as JSON the calls of each of its
 * functions and the last list of pods. A process of its own: in that of the test run, programs of other test files run as well.
 */
import assert from 'node:assert/strict';
import { Session } from 'node:inspector/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask2, openSession } from '../fakes/http2client.ts';
import { startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

/** What is printed. */
export interface Calls {
  /** By `file function`, the file below src. */
  readonly calls: Readonly<Record<string, number>>;
  readonly pods: string;
}

/** Scrapes of each node after which every fast path has been taken: the first ones learn what is there. */
const enoughScrapes = 3;
/** The least, by the flag's table. */
const resolution = '--metric-resolution=10s';
const deadlineMs = 90_000;

const profiler = new Session();
profiler.connect();
await profiler.post('Profiler.enable');
await profiler.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
let pods: string;
{
  await using cluster = await startWholeCluster([resolution, ...process.argv.slice(2)]);
  pods = await podsAfter(cluster);
}
const { result } = await profiler.post('Profiler.takePreciseCoverage');
const calls: Record<string, number> = {};
for (const { url, functions } of result) {
  const file = /\/src\/(.*)$/.exec(url)?.[1];
  for (const { functionName, ranges } of functions) {
    const key = `${file} ${functionName}`;
    if (file !== undefined) calls[key] = (calls[key] ?? 0) + (ranges[0]?.count ?? 0);
  }
}
process.stdout.write(JSON.stringify({ calls, pods } satisfies Calls));

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
