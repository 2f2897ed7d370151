/** custom.metrics.k8s.io as discovery lists it. */
import { fullName } from '../../apimachinery/status.ts';
import type { CustomMetric, CustomMetricSource } from '../../metricsource/source.ts';
import type { DiscoveredGroup, DiscoveredResource } from '../discoverydocuments.ts';
import { createSortedResources } from '../sortedresources.ts';
import { customGroup, customVersions, metricValueList } from './metricvalues.ts';

/** Access needs the verb get for one object as well as for all of them. */
const verbs = ['get'];

export function discoveredCustomMetrics(source: CustomMetricSource): DiscoveredGroup {
  const resources = createSortedResources(source, toResource);
  return { name: customGroup, versions: customVersions, resources, isAggregated: false };
}

function toResource({ resource, namespaced, metric }: CustomMetric): DiscoveredResource {
  return { name: `${fullName(resource)}/${metric}`, kind: metricValueList, namespaced, verbs, shortNames: [] };
}
