/** metrics.k8s.io from the samples of kubelets. */
import { serveResources } from '../api/resources.ts';
import type { ResourceMetrics, ResourceMetricsOptions } from './resourcereaders.ts';

export function kubeletResources({ writePath, clock }: ResourceMetricsOptions): ResourceMetrics {
  const { nodes, pods, storage, history, scraper } = writePath;
  const { troubleOf } = scraper;
  return {
    source: 'kubelet',
    served: serveResources({ nodes, pods, usage: storage, history, troubleOf, now: clock.wallMs }),
    isWarm: () => storage.isWarm(),
    nodeUsage: (node) => storage.nodeUsage(node),
  };
}
