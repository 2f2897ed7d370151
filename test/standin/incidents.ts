/** Incidents of a cluster: a container restarts, a Deployment is rolled out anew, a node's kubelet fails for a while. */
import type { Random } from './random.ts';
import { leakyWorkload, serverWorkload } from './workloads.ts';
import type { Change, Cluster, SimulatedNode, SimulatedPod } from './simulation.ts';

/** How far apart incidents of each kind are, and when the first ones are that a newcomer's first minutes must have. */
const firstCrashMs = 3_000;
const restartEveryMs = [100_000, 200_000] as const;
const rolloutEveryMs = [120_000, 200_000] as const;
const failureEveryMs = [200_000, 320_000] as const;
const firstFailureMs = 40_000;

/**
 * How far apart the restarts of a container that crashes are: less than two samples of it. How many there are before it stays up for a while:
 * so many that its last usage becomes stale.
 */
const crashEveryMs = 9_000;
const crashes = 9;
const calmBetweenCrashesMs = 60_000;

/** How far apart two pods of a rollout are. */
const rolloutStepMs = [4_000, 9_000] as const;
/** How long a kubelet fails: longer than its last usages are served. And after how much of it the node counts as not ready. */
const failureMs = [75_000, 95_000] as const;
const notReadyAfterMs = 25_000;

export interface Incidents {
  /** Lets everything happen that is due by then. */
  happen(nowMs: number): Change[];
}

export function createIncidents(cluster: Cluster, random: Random, startMs: number): Incidents {
  const kinds = [
    crashLoop(),
    every(restartEveryMs, restart),
    every(rolloutEveryMs, startRollout),
    every(failureEveryMs, startFailure, firstFailureMs),
    { dueMs: startMs, happen: rollOut },
    { dueMs: startMs, happen: goOnFailing },
  ];
  let rollout: { readonly revision: string; pods: SimulatedPod[]; nextMs: number } | undefined;
  let failures = 0;
  let failure: { readonly node: SimulatedNode; readonly notReadyMs: number; readonly untilMs: number } | undefined;
  return { happen: (nowMs) => kinds.flatMap((kind) => (kind.dueMs <= nowMs ? kind.happen(nowMs) : [])) };

  function every(interval: readonly [number, number], happen: (nowMs: number) => Change[], firstMs?: number) {
    const timer = {
      dueMs: startMs + (firstMs ?? random.between(...interval)),
      happen(nowMs: number): Change[] {
        timer.dueMs = nowMs + random.between(...interval);
        return happen(nowMs);
      },
    };
    return timer;
  }

  /** The server's process is not ours to restart. */
  function victims(): SimulatedPod[] {
    return [...cluster.pods].filter(({ workload }) => workload !== serverWorkload);
  }

  /** The container crashes from the start on, so that there is a pod without usage to see. */
  function crashLoop() {
    let left = crashes;
    const timer = {
      dueMs: startMs + firstCrashMs,
      happen(nowMs: number): Change[] {
        left = left > 1 ? left - 1 : crashes;
        timer.dueMs = nowMs + (left === crashes ? calmBetweenCrashesMs : crashEveryMs);
        return restartOne(leaky(), nowMs);
      },
    };
    return timer;
  }

  function leaky(): SimulatedPod | undefined {
    return [...cluster.pods].find(({ workload }) => workload === leakyWorkload);
  }

  function restart(nowMs: number): Change[] {
    return restartOne(random.pick(victims()), nowMs);
  }

  function restartOne(pod: SimulatedPod | undefined, nowMs: number): Change[] {
    const container = pod && random.pick(pod.containers);
    if (pod === undefined || container === undefined) return [];
    cluster.restart(pod, container, nowMs);
    return [{ kind: 'pod-set', pod, event: `container ${container.name} of ${full(pod)} restarted` }];
  }

  function startRollout(nowMs: number): Change[] {
    const deployed = victims().filter(({ workload }) => workload.kind === 'Deployment');
    const chosen = random.pick(deployed)?.workload;
    if (chosen === undefined || rollout !== undefined) return [];
    rollout = {
      revision: random.suffix(10),
      pods: deployed.filter(({ workload }) => workload === chosen),
      nextMs: nowMs,
    };
    return [];
  }

  function rollOut(nowMs: number): Change[] {
    if (rollout === undefined || rollout.nextMs > nowMs) return [];
    // An autoscaler may have taken some of them away.
    rollout.pods = rollout.pods.filter((each) => cluster.pods.has(each));
    const pod = rollout.pods.shift();
    if (pod === undefined) {
      rollout = undefined;
      return [];
    }
    rollout.nextMs = nowMs + random.between(...rolloutStepMs);
    const successor = cluster.replace(pod, rollout.revision);
    return [
      { kind: 'pod-set', pod: successor, event: `rolling update: ${full(successor)} takes the place of ${pod.name}` },
      { kind: 'pod-deleted', pod, event: '' },
    ];
  }

  function startFailure(nowMs: number): Change[] {
    // A cluster of one node would have nothing left to show; a pod that restarts is to show that alone.
    const node =
      cluster.nodes.length > 1 ? random.pick(cluster.nodes.filter((each) => each !== leaky()?.node)) : undefined;
    if (node === undefined) return [];
    node.kubelet = failures % 2 === 0 ? 'fails' : 'hangs';
    failures += 1;
    failure = { node, notReadyMs: nowMs + notReadyAfterMs, untilMs: nowMs + random.between(...failureMs) };
    const symptom = node.kubelet === 'fails' ? 'answers 500' : 'does not answer';
    return [{ kind: 'node-set', node, event: `the kubelet of ${node.name} ${symptom} for a while` }];
  }

  function goOnFailing(nowMs: number): Change[] {
    if (failure === undefined) return [];
    const { node, notReadyMs, untilMs } = failure;
    if (nowMs >= untilMs) {
      failure = undefined;
      node.kubelet = 'serves';
      node.ready = true;
      return [{ kind: 'node-set', node, event: `the kubelet of ${node.name} is well again` }];
    }
    if (nowMs < notReadyMs || !node.ready) return [];
    node.ready = false;
    return [{ kind: 'node-set', node, event: `node ${node.name} is not ready` }];
  }
}

function full({ workload, name }: SimulatedPod): string {
  return `${workload.namespace}/${name}`;
}
