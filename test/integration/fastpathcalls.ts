/**
 * Runs the whole program in this process, with the flags of the command line, until it has scraped often enough, and prints as JSON the calls of each of its
 * functions and the last list of pods. A process of its own: in that of the test run, programs of other test files run as well.
 */
import { Session } from 'node:inspector/promises';
import { GiveUp, waitFor } from '../cluster/wait.ts';
import { ask2, openSession } from '../fakes/http2client.ts';
import { startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

/** The printed counts. */
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
  const endMs = performance.now() + deadlineMs;
  await waitFor('the scrapes', () => cluster.kubelet.requests.length >= enoughScrapes, deadlineMs);
  const session = await openSession(cluster.port, frontProxy);
  try {
    const headers = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
    return await waitFor(
      'a served pod',
      async () => {
        const { status, text } = await ask2(session, '/apis/metrics.k8s.io/v1/pods', headers);
        if (status !== 200) throw new GiveUp(text);
        return (JSON.parse(text) as { items: unknown[] }).items.length > 0 && text;
      },
      endMs - performance.now(),
    );
  } finally {
    session.destroy();
  }
}
