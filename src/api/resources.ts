/** The table of resources; discovery, OpenAPI, routes and request metrics follow from it. A new one is a file such as nodes.ts and a row here. */
import type { DiscoveredGroup } from './discoverydocuments.ts';
import {
  type AskingNodeReaderOptions,
  createAskingNodeReader,
  createNodeReader,
  nodeMetrics,
  type NodeReaderOptions,
} from './nodes.ts';
import {
  type AskingPodReaderOptions,
  createAskingPodReader,
  createPodReader,
  podMetrics,
  type PodReaderOptions,
} from './pods.ts';
import type { Resource, ResourceReader, ServedReader, ServedResource } from './resource.ts';
import { group, versions } from './types.ts';

export type ResourceSources = NodeReaderOptions & PodReaderOptions;
export type AskedSources = AskingNodeReaderOptions & AskingPodReaderOptions;

interface TableRow {
  readonly resource: Resource;
  createReader(sources: ResourceSources): ResourceReader;
  createAskingReader(sources: AskedSources): ServedReader;
}

/** In the order of discovery. */
const table: readonly TableRow[] = [
  { resource: nodeMetrics, createReader: createNodeReader, createAskingReader: createAskingNodeReader },
  { resource: podMetrics, createReader: createPodReader, createAskingReader: createAskingPodReader },
];

export const resources: readonly Resource[] = table.map(({ resource }) => resource);

/** No watch, and never delete or deletecollection: namespace deletion, garbage collection and backups act on them. */
const verbs = ['get', 'list'];

/** Returns metrics.k8s.io as discovery lists it. */
export function discoveredMetrics(
  of: readonly Pick<Resource, 'name' | 'kind' | 'namespaced' | 'shortNames' | 'versions'>[] = resources,
): DiscoveredGroup {
  return {
    name: group,
    versions,
    resources: (version) =>
      of
        .filter((resource) => resource.versions.some((each) => each === version))
        .map(({ name, kind, namespaced, shortNames }) => ({ name, kind, namespaced, verbs, shortNames })),
    isAggregated: true,
  };
}

/** Pairs each resource with its reader of memory. */
export function serveResources(sources: ResourceSources): readonly ServedResource[] {
  return table.map(({ resource, createReader }) => ({ resource, reader: createReader(sources) }));
}

/** Pairs each resource with a reader that asks a source during each request. */
export function serveAskedResources(sources: AskedSources): readonly ServedResource[] {
  return table.map(({ resource, createAskingReader }) => ({ resource, reader: createAskingReader(sources) }));
}
