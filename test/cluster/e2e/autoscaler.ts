/** Follows a Deployment that a HorizontalPodAutoscaler scales, and reports what it did. */
import type { V1Deployment, V2HorizontalPodAutoscaler, V2MetricSpec } from '@kubernetes/client-node';
import type { Cluster } from '../cluster.ts';
import { waitFor } from '../wait.ts';
import { fieldOf, podSpec, type Script } from './pods.ts';

export interface Scaled {
  /** Resolves when the autoscaler has read its metric once, so that what comes later is its reaction. */
  measured(): Promise<void>;
  /** Resolves with the seconds it took until so many replicas are Ready. */
  reached(replicas: number, timeoutMs: number): Promise<number>;
  /** `New size: 3; reason: cpu resource utilization (percentage of request) above target`, oldest first. */
  events(): Promise<string[]>;
}

/** A Deployment of one replica to begin with. */
export function scaledDeployment(cluster: Cluster, namespace: string, name: string, script: Script): V1Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: podSpec(cluster, { [name]: script }) },
    },
  };
}

/** Returns an autoscaler of a Deployment of its name, to two replicas and back at once. */
export function metricsAutoscaler(
  metadata: { readonly name: string; readonly namespace: string },
  minReplicas: number,
  metrics: V2MetricSpec[],
): V2HorizontalPodAutoscaler {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata,
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: metadata.name },
      minReplicas,
      maxReplicas: 2,
      metrics,
      behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
    },
  };
}

export function watchScaling(cluster: Cluster, namespace: string, name: string): Scaled {
  return { measured, reached, events };

  async function measured(): Promise<void> {
    const condition = '{.status.conditions[?(@.type=="ScalingActive")].status}';
    await waitFor(
      `the autoscaler ${name} to have its metric`,
      async () =>
        (await fieldOf(cluster, namespace, `horizontalpodautoscaler.v2.autoscaling/${name}`, condition)) === 'True',
      120_000,
      1_000,
    );
  }

  async function reached(replicas: number, timeoutMs: number): Promise<number> {
    const sinceMs = performance.now();
    await waitFor(
      `${name} to have ${replicas} replicas; the autoscaler says: ${await explanation()}`,
      // Without replicas the field is left out.
      async () =>
        ((await fieldOf(cluster, namespace, `deployment/${name}`, '{.status.readyReplicas}')) || '0') ===
        String(replicas),
      timeoutMs,
      500,
    );
    return (performance.now() - sinceMs) / 1000;
  }

  async function events(): Promise<string[]> {
    const which = `involvedObject.kind=HorizontalPodAutoscaler,involvedObject.name=${name},reason=SuccessfulRescale`;
    const output = await cluster.kubectl([
      'get',
      'events',
      `--namespace=${namespace}`,
      `--field-selector=${which}`,
      '--sort-by=.lastTimestamp',
      '-o',
      'jsonpath={range .items[*]}{.lastTimestamp}{" "}{.reason}{" "}{.message}{"\\n"}{end}',
    ]);
    return output.split('\n').filter((line) => line !== '');
  }

  function explanation(): Promise<string> {
    return fieldOf(cluster, namespace, `horizontalpodautoscaler.v2.autoscaling/${name}`, '{.status}');
  }
}
