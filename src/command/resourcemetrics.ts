/** Chooses where metrics.k8s.io comes from (--resource-metrics). */
import type { UsageSource } from '../metricsource/usage.ts';
import { kubeletResources } from './kubeletresources.ts';
import { prometheusResources } from './prometheusresources.ts';
import type { ResourceMetrics, ResourceMetricsOptions } from './resourcereaders.ts';

/** @param usage the source that flags choose; undefined for kubelets. */
export function createResourceMetrics(
  usage: UsageSource | undefined,
  options: ResourceMetricsOptions,
): ResourceMetrics {
  return usage === undefined ? kubeletResources(options) : prometheusResources(usage, options);
}
