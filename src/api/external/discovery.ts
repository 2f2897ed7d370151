/** external.metrics.k8s.io as discovery lists it. */
import type { ExternalMetricSource } from '../../metricsource/source.ts';
import type { DiscoveredGroup, DiscoveredResource } from '../discoverydocuments.ts';
import { createSortedResources } from '../sortedresources.ts';
import { externalGroup, externalMetricValueList, externalVersion } from './externalvalues.ts';

/** As prometheus-adapter lists it, although access needs the verb list. */
const verbs = ['get'];

export function discoveredExternalMetrics(source: ExternalMetricSource): DiscoveredGroup {
  const resources = createSortedResources(source, toResource);
  return { name: externalGroup, versions: [externalVersion], resources, isAggregated: false };
}

function toResource(name: string): DiscoveredResource {
  return { name, kind: externalMetricValueList, namespaced: true, verbs, shortNames: [] };
}
