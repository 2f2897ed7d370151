/** The API groups that this server serves. */
import type { TableCells } from '../api/cells.ts';
import type { DiscoveredGroup } from '../api/discoverydocuments.ts';
import { metricsOpenApi } from '../api/openapi/metricsgroup.ts';
import type { OpenApiGroup } from '../api/openapi/operations.ts';
import type { ServedResource } from '../api/resource.ts';
import { discoveredMetrics } from '../api/resources.ts';
import type { Clock } from '../clock.ts';
import type { Registry } from '../monitoring.ts';
import type { Options } from '../options/flags.ts';
import { createResourceRoutes } from '../server/resources.ts';
import type { ServedGroup } from '../server/servedgroup.ts';
import { createFreshnessMetrics } from './processmetrics.ts';

/** The same groups in each list. */
export interface ApiGroups {
  readonly served: readonly ServedGroup[];
  readonly discovered: readonly DiscoveredGroup[];
  readonly openApi: readonly OpenApiGroup[];
}

export interface ApiGroupsOptions {
  readonly options: Options;
  /** Of metrics.k8s.io. */
  readonly resources: readonly ServedResource[];
  readonly registry: Registry;
  readonly clock: Clock;
  /** The groups of custom and external metrics; undefined without a source. */
  readonly values: ApiGroups | undefined;
}

export function createApiGroups({ options, resources, registry, clock, values }: ApiGroupsOptions): ApiGroups {
  const observe = createFreshnessMetrics(registry, clock);
  const metrics = createResourceRoutes(observe(resources), {
    cells: options['table-cells'] as TableCells,
    fastPath: !options['disable-fast-path'],
  });
  return {
    served: [metrics, ...(values?.served ?? [])],
    discovered: [discoveredMetrics(), ...(values?.discovered ?? [])],
    openApi: [metricsOpenApi(), ...(values?.openApi ?? [])],
  };
}
