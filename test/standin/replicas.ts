/** How many replicas an autoscaler wants, computed as pkg/controller/podautoscaler of Kubernetes does, for pods that are all ready. */

export interface ReplicaFacts {
  readonly currentReplicas: number;
  /** Names of all pods of the target. */
  readonly pods: readonly string[];
  /** Values by pod; pods without one are missing. In the unit of the target. */
  readonly values: ReadonlyMap<string, number>;
  /** Per pod. */
  readonly target: number;
  /** What a pod without value counts as when the others are below the target. */
  readonly fallback: number;
}

const tolerance = 0.1;

export function proposedReplicas({ currentReplicas, pods, values, target, fallback }: ReplicaFacts): number {
  const sum = values.values().reduce((total, value) => total + value, 0);
  const ratio = sum / (target * values.size);
  const missing = pods.length - values.size;
  if (missing === 0) return isWithin(ratio) ? currentReplicas : Math.ceil(ratio * pods.length);
  const filled = (sum + (ratio < 1 ? missing * fallback : 0)) / (target * pods.length);
  if (isWithin(filled) || (ratio < 1 && filled > 1) || (ratio > 1 && filled < 1)) return currentReplicas;
  const proposed = Math.ceil(filled * pods.length);
  const turns = (filled < 1 && proposed > currentReplicas) || (filled > 1 && proposed < currentReplicas);
  return turns ? currentReplicas : proposed;
}

function isWithin(ratio: number): boolean {
  return Math.abs(ratio - 1) <= tolerance;
}

export interface Decision {
  readonly replicas: number;
  readonly ableToScale: Reason;
  readonly scalingLimited: Reason & { readonly status: 'True' | 'False' };
}

interface Reason {
  readonly reason: string;
  readonly message: string;
}

export interface Bounds {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Whether `behavior` lets it scale at all (selectPolicy other than Disabled). */
  readonly scales: boolean;
}

/** Keeps a proposal within the limits of the autoscaler. @param recent proposals of the stabilization window. */
export function decide(
  currentReplicas: number,
  proposed: number,
  recent: readonly number[],
  { minReplicas, maxReplicas, scales }: Bounds,
): Decision {
  const stabilized = proposed < currentReplicas ? Math.min(currentReplicas, Math.max(proposed, ...recent)) : proposed;
  const ableToScale =
    stabilized === proposed
      ? { reason: 'ReadyForNewScale', message: 'recommended size matches current size' }
      : {
          reason: 'ScaleDownStabilized',
          message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
        };
  const up = scales ? Math.max(currentReplicas + 4, currentReplicas * 2) : currentReplicas;
  const down = scales ? 0 : currentReplicas;
  const replicas =
    stabilized > currentReplicas
      ? Math.min(stabilized, maxReplicas, up)
      : Math.max(stabilized, Math.min(currentReplicas, Math.max(minReplicas, down)));
  if (replicas === stabilized) {
    const message = 'the desired count is within the acceptable range';
    return { replicas, ableToScale, scalingLimited: { status: 'False', reason: 'DesiredWithinRange', message } };
  }
  const limit =
    stabilized > replicas ? (maxReplicas > up ? 'fast up' : 'most') : minReplicas < down ? 'fast down' : 'least';
  return { replicas, ableToScale, scalingLimited: { status: 'True', ...limits[limit] } };
}

const limits = {
  'fast up': {
    reason: 'ScaleUpLimit',
    message: 'the desired replica count is increasing faster than the maximum scale rate',
  },
  most: { reason: 'TooManyReplicas', message: 'the desired replica count is more than the maximum replica count' },
  'fast down': {
    reason: 'ScaleDownLimit',
    message: 'the desired replica count is decreasing faster than the maximum scale rate',
  },
  least: { reason: 'TooFewReplicas', message: 'the desired replica count is less than the minimum replica count' },
} as const;
