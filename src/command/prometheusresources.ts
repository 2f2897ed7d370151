/** metrics.k8s.io from a PromQL engine, by resourceRules. */
import { serveAskedResources } from '../api/resources.ts';
import type { UsageSource } from '../metricsource/usage.ts';
import type { ResourceMetrics, ResourceMetricsOptions } from './resourcereaders.ts';

export function prometheusResources(
  source: UsageSource,
  { writePath, clock }: ResourceMetricsOptions,
): ResourceMetrics {
  const { nodes, pods } = writePath;
  return {
    source: 'prometheus',
    served: serveAskedResources({ nodes, pods, source, now: clock.wallMs }),
    // An engine that is away must not take discovery away.
    isWarm: () => true,
    nodeUsage: () => undefined,
  };
}
