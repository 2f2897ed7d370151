/** The autoscalers of the simulated cluster: one on CPU, one on a metric of the kubelets, one that cannot work. */
import type { KubeObject } from '../fakes/kubeobjects.ts';
import { rfc3339 } from '../fakes/kubeobjects.ts';
import type { Bounds } from './replicas.ts';
import { type Workload, workloads } from './workloads.ts';

export interface Autoscaled {
  readonly workload: Workload;
  readonly metric: { readonly utilization: number } | { readonly name: string; readonly averageValue: bigint };
}

const workloadOf = (namespace: string, name: string): Workload => {
  const found = workloads.find((each) => each.namespace === namespace && each.name === name);
  if (found === undefined) throw new Error(`no workload ${namespace}/${name}`);
  return found;
};

/** The pods of jobs/worker have no requests, so there is nothing to take a percentage of. */
export const autoscaledWorkloads: readonly Autoscaled[] = [
  { workload: workloadOf('shop', 'web'), metric: { utilization: 80 } },
  {
    workload: workloadOf('shop', 'cart'),
    metric: { name: 'network_receive_bytes_per_second', averageValue: 150_000n },
  },
  { workload: workloadOf('jobs', 'worker'), metric: { utilization: 80 } },
];

/** Of `behavior.scaleDown`: shorter than the default of 300 s, since people watch. */
export const stabilizationMs = 60_000;

/** @param replicas how many pods it has at the start. @param calm whether it may not scale. */
export function boundsFor(replicas: number, calm: boolean): Bounds {
  return { minReplicas: Math.ceil(replicas / 2), maxReplicas: Math.max(2, replicas * 2), scales: !calm };
}

export function toAutoscalerObject(
  { workload: { namespace, name }, metric }: Autoscaled,
  { minReplicas, maxReplicas, scales }: Bounds,
  createdMs: number,
): KubeObject {
  const target =
    'utilization' in metric
      ? {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: metric.utilization } },
        }
      : {
          type: 'Pods',
          pods: {
            metric: { name: metric.name },
            target: { type: 'AverageValue', averageValue: `${metric.averageValue / 1000n}k` },
          },
        };
  const selectPolicy = scales ? 'Max' : 'Disabled';
  const percent = { type: 'Percent', value: 100, periodSeconds: 15 };
  return {
    kind: 'HorizontalPodAutoscaler',
    apiVersion: 'autoscaling/v2',
    metadata: { namespace, name, creationTimestamp: rfc3339(createdMs) },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas,
      maxReplicas,
      metrics: [target],
      behavior: {
        scaleUp: {
          stabilizationWindowSeconds: 0,
          selectPolicy,
          policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }, percent],
        },
        scaleDown: { stabilizationWindowSeconds: stabilizationMs / 1000, selectPolicy, policies: [percent] },
      },
    },
    status: { currentReplicas: 0, desiredReplicas: 0, currentMetrics: null, conditions: [] },
  };
}
