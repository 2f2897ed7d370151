/** What clients send to workloads: it swings, and the pods of a workload share it. */
import type { SimulatedPod } from './simulation.ts';
import type { Workload } from './workloads.ts';

export interface Traffic {
  /** Returns the factor on the average usage of a pod of a workload at that time. */
  demand(nowMs: number): (workload: Workload) => number;
}

const periodMs = 8 * 60_000;

/** @param pods those that run; the ones of now share the average. */
export function createTraffic(pods: ReadonlySet<SimulatedPod>, startMs: number): Traffic {
  const initial = countByWorkload(pods);
  return { demand };

  function demand(nowMs: number): (workload: Workload) => number {
    const current = countByWorkload(pods);
    const wave = Math.sin((2 * Math.PI * (nowMs - startMs)) / periodMs);
    return (workload) => {
      if (workload.swing === undefined) return 1;
      return ((initial.get(workload) ?? 1) / (current.get(workload) ?? 1)) * (1 + workload.swing * wave);
    };
  }
}

function countByWorkload(pods: ReadonlySet<SimulatedPod>): ReadonlyMap<Workload, number> {
  const counts = new Map<Workload, number>();
  for (const { workload } of pods) counts.set(workload, (counts.get(workload) ?? 0) + 1);
  return counts;
}
