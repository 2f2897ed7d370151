/** Faults of what a kubelet reports: numbers, times and pods that cannot be. */
import type { ContainerModel, PodModel, SampleModel } from '../fakes/kubeletmodel.ts';
import { type NodeFault, steadyNode } from './fault.ts';
import { distortFromNow, distortOnce, setClock } from './injections.ts';
import type { Lab } from './lab.ts';
import type { Distortion } from './labnode.ts';

const hourMs = 3_600_000;

/** One sample, of which one container differs. */
const oddContainer = (name: string, change: Partial<ContainerModel>): NodeFault => ({
  name,
  ci: true,
  strikes: 'node',
  together: true,
  inject: (node) => distortOnce(node, ofFirstContainer(change)),
});

const oddClock = (name: string, aheadMs: number): NodeFault => ({
  name,
  ci: true,
  strikes: 'node',
  together: true,
  inject: (node) => setClock(node, aheadMs),
});

export const distortions: readonly NodeFault[] = [
  oddContainer('the CPU series of a container is missing once', { missing: 'cpu' }),
  oddContainer('the working set of a container is missing once', { missing: 'working set' }),
  oddContainer('a CPU counter of 1.73e9 once', { cpuSeconds: 1.73e9 }),
  {
    name: 'samples of 1970, once',
    ci: true,
    strikes: 'node',
    together: true,
    inject: (node) => distortOnce(node, withTimes(hourMs)),
  },
  oddClock("a node's clock is set 3 h ahead", 3 * hourMs),
  oddClock("a node's clock is set back by 1 min", -60_000),
  {
    name: "another machine comes under the node's name",
    ci: true,
    strikes: 'node',
    together: true,
    inject: (node) =>
      distortFromNow(node, (model) => ({
        ...model,
        machine: { ...model.machine, cpuSeconds: model.machine.cpuSeconds + 8e6 },
      })),
  },
  {
    name: "a kubelet reports another node's pod for 30 s, with eight times its CPU",
    ci: true,
    strikes: 'node',
    // The pod is of a node that is healthy in every other fault.
    together: false,
    inject: (node, lab) => distortFromNow(node, withPodsOf(lab), 30_000),
  },
];

function ofFirstContainer(change: Partial<ContainerModel>): Distortion {
  return (model) => ({
    ...model,
    pods: model.pods.map((pod, index) =>
      index > 0
        ? pod
        : { ...pod, containers: pod.containers.map((each, at) => (at > 0 ? each : { ...each, ...change })) },
    ),
  });
}

function withTimes(timestampMs: number): Distortion {
  const at = <Sample extends SampleModel>(sample: Sample): Sample => ({ ...sample, timestampMs });
  return (model) => ({
    ...model,
    machine: at(model.machine),
    pods: model.pods.map((pod) => ({ ...pod, containers: pod.containers.map(at) })),
  });
}

function withPodsOf({ nodes }: Lab): Distortion {
  const inflated = (pod: PodModel): PodModel => ({
    ...pod,
    containers: pod.containers.map((each) => ({ ...each, cpuSeconds: each.cpuSeconds * 8 })),
  });
  return (model) => ({
    ...model,
    pods: [...model.pods, ...(nodes.get(steadyNode)?.kubelet.model.pods ?? []).map(inflated)],
  });
}
