/** What serves metrics.k8s.io, whatever it comes from. */
import type { ServedResource } from '../api/resource.ts';
import type { Clock } from '../clock.ts';
import type { Usage, UsageOrReason } from '../sample/point.ts';
import type { ResourceMetricsReport } from '../server/statuspage.ts';
import type { WritePath } from './writepath.ts';

export interface ResourceMetricsOptions {
  readonly writePath: Pick<WritePath, 'nodes' | 'pods' | 'storage' | 'history' | 'scraper'>;
  readonly clock: Clock;
}

export interface ResourceMetrics {
  readonly source: ResourceMetricsReport['source'];
  readonly served: readonly ServedResource[];
  /** Reports whether there is as much to serve as before a restart. */
  isWarm(): boolean;
  /** Returns what is served of a node; undefined if that is not known before a request. */
  nodeUsage(node: string): UsageOrReason<Usage> | undefined;
}
