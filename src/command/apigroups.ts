/** The API groups that this server serves. */
import type { TableCells } from '../api/cells.ts';
import type { DiscoveredGroup } from '../api/discoverydocuments.ts';
import { metricsOpenApi } from '../api/openapi/metricsgroup.ts';
import type { OpenApiGroup } from '../api/openapi/operations.ts';
import { discoveredMetrics, serveResources } from '../api/resources.ts';
import type { Clock } from '../clock.ts';
import type { Registry } from '../monitoring.ts';
import type { Options } from '../options/flags.ts';
import { createResourceRoutes } from '../server/resources.ts';
import type { ServedGroup } from '../server/servedgroup.ts';
import { createFreshnessMetrics } from './processmetrics.ts';
import type { WritePath } from './writepath.ts';

/** The same groups in each list. */
export interface ApiGroups {
  readonly served: readonly ServedGroup[];
  readonly discovered: readonly DiscoveredGroup[];
  readonly openApi: readonly OpenApiGroup[];
}

export interface ApiGroupsOptions {
  readonly options: Options;
  readonly writePath: WritePath;
  readonly registry: Registry;
  readonly clock: Clock;
  /** The groups of custom and external metrics; undefined without a source. */
  readonly values: ApiGroups | undefined;
}

export function createApiGroups({ options, writePath, registry, clock, values }: ApiGroupsOptions): ApiGroups {
  const { nodes, pods, storage, history, scraper } = writePath;
  const observe = createFreshnessMetrics(registry, clock);
  const resources = serveResources({
    nodes,
    pods,
    usage: storage,
    history,
    troubleOf: scraper.troubleOf,
    now: clock.wallMs,
  });
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
