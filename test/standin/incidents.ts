/** What goes on in a cluster now and then: a container restarts, a Deployment is rolled out anew, a node's kubelet fails for a while. */
import type { Random } from './random.ts';
import { serverWorkload } from './workloads.ts';
import type { Change, Cluster, SimulatedNode, SimulatedPod } from './simulation.ts';

/** How far apart incidents of each kind are. */
const restartEveryMs = [45_000, 100_000] as const;
const rolloutEveryMs = [120_000, 200_000] as const;
const failureEveryMs = [200_000, 320_000] as const;

/** How far apart two pods of a rollout are. */
const rolloutStepMs = [4_000, 9_000] as const;
/** How long a kubelet fails, and after how much of it the node counts as not ready. */
const failureMs = [45_000, 75_000] as const;
const notReadyAfterMs = 25_000;

export interface Incidents {
  /** Lets everything happen that is due by then. */
  happen(nowMs: number): Change[];
}

export function createIncidents(cluster: Cluster, random: Random, startMs: number): Incidents {
  const kinds = [
    every(restartEveryMs, restart),
    every(rolloutEveryMs, startRollout),
    every(failureEveryMs, startFailure),
    { dueMs: startMs, happen: rollOut },
    { dueMs: startMs, happen: goOnFailing },
  ];
  let rollout: { readonly revision: string; readonly pods: SimulatedPod[]; nextMs: number } | undefined;
  let failure: { readonly node: SimulatedNode; readonly notReadyMs: number; readonly untilMs: number } | undefined;
  return { happen: (nowMs) => kinds.flatMap((kind) => (kind.dueMs <= nowMs ? kind.happen(nowMs) : [])) };

  function every(interval: readonly [number, number], happen: (nowMs: number) => Change[]) {
    const timer = {
      dueMs: startMs + random.between(...interval),
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

  function restart(nowMs: number): Change[] {
    const pod = random.pick(victims());
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
    // A cluster of one node would have nothing left to show.
    const node = cluster.nodes.length > 1 ? random.pick(cluster.nodes) : undefined;
    if (node === undefined) return [];
    node.kubelet = random.next() < 0.5 ? 'fails' : 'hangs';
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
