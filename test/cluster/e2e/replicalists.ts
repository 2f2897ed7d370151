/** Lists metrics of two replicas all the time, and judges the answers: all is in them, and timestamps go back by no more than a resolution. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Harness } from './harness.ts';
import { failures, incomplete, type Listed, type Lister, staleSince, startLister, stepsBack } from './lister.ts';
import { loadPods } from './loads.ts';
import { hasShortResolution } from './replicas.ts';
import { resolutionMs as defaultResolutionMs, shortResolutionMs } from './server.ts';

/** Wall times of a replica that was killed. */
export interface Restart {
  readonly killedMs: number;
  /** From here on new connections go to it again. */
  readonly returnedMs: number;
}

export interface ReplicaLists {
  /**
   * Replicas scrape at different moments after a start: one scrapes at once, and each makes extra scrapes for new containers. Two resolutions
   * later they are in step.
   */
  readonly outOfStepMs: number;
  /** Lists nodes and pods in turn through kube-apiserver. @param everyMs by default 100. */
  list(everyMs?: number): Promise<Lister>;
  /** Reports figures, and fails where an answer lacks an object that runs through all tests, or is older than it may be. */
  judge(t: TestContext, answers: readonly Listed[], restart?: Restart): void;
}

/** How often the client lists while something is replaced. */
export const everyMs = 100;
/** Milliseconds. The kubelet samples an idle container every 15 to 30 s. */
const longestSampleGapMs = 30_000;

export function createReplicaLists(shared: Harness): ReplicaLists {
  const { cluster, program, credentials } = shared;
  const resolutionMs = hasShortResolution(shared) ? shortResolutionMs : defaultResolutionMs;
  const outOfStepMs = 2 * resolutionMs;
  const paths = ['v1beta1/nodes', `${program.versions[0]}/pods`].map((end) => `/apis/metrics.k8s.io/${end}`);
  /** Objects that run through all of it. */
  const lasting = [cluster.nodeName, ...loadPods.map((name) => name.replace(/^.*\//, ''))];
  return { outOfStepMs, list, judge };

  function list(ms = everyMs): Promise<Lister> {
    return startLister(cluster, { url: cluster.apiServerUrl, paths, token: credentials.readerToken, everyMs: ms });
  }

  function judge(t: TestContext, answers: readonly Listed[], restart?: Restart): void {
    const slowest = answers.reduce((ms, { tookMs }) => Math.max(ms, tookMs), 0);
    t.diagnostic(`${answers.length} requests, ${failures(answers).length} failed, the slowest took ${slowest} ms`);
    const lacking = incomplete(answers, lasting);
    for (const line of [...lacking.slice(0, 3), ...lacking.slice(-1)]) t.diagnostic(line);
    const { compared, steps } = stepsBack(answers);
    const furthestMs = steps.reduce((most, { ms }) => Math.max(most, ms), 0);
    t.diagnostic(
      `timestamps went back in ${steps.length} of ${compared} pairs of answers, by at most ${furthestMs} ms`,
    );
    for (const { description } of steps.slice(0, 5)) t.diagnostic(description);
    assert.equal(lacking.length, 0, `${lacking.length} lists lack a pod or the node`);
    // Replicas may differ longer in a container that has just been replaced, such as one of their own.
    const judged = steps.filter(({ name }) => lasting.includes(name));
    assert.deepEqual(
      judged.filter(({ ms, atMs }) => ms > toleratedStepMs(atMs, restart)),
      [],
    );
    if (restart !== undefined) assert.deepEqual(staleSince(answers, restart, lasting), []);
  }

  /** Between its SIGKILL and its return a replica that is not Ready may be asked, over a connection from before its endpoint was removed. */
  function toleratedStepMs(atMs: number, restart: Restart | undefined): number {
    if (restart === undefined || atMs < restart.killedMs || atMs >= restart.returnedMs + outOfStepMs)
      return resolutionMs;
    return atMs < restart.returnedMs ? Infinity : resolutionMs + longestSampleGapMs;
  }
}
