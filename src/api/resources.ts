/** The table of resources; discovery, OpenAPI, routes and request metrics follow from it. A new one is a file such as nodes.ts and a row here. */
import { createNodeReader, nodeMetrics, type NodeReaderOptions } from './nodes.ts';
import { createPodReader, podMetrics, type PodReaderOptions } from './pods.ts';
import type { Resource, ResourceReader, ServedResource } from './resource.ts';

type ResourceSources = NodeReaderOptions & PodReaderOptions;

interface TableRow {
  readonly resource: Resource;
  createReader(sources: ResourceSources): ResourceReader;
}

/** In the order of discovery. */
const table: readonly TableRow[] = [
  { resource: nodeMetrics, createReader: createNodeReader },
  { resource: podMetrics, createReader: createPodReader },
];

export const resources: readonly Resource[] = table.map(({ resource }) => resource);

/** Pairs each resource with its reader. */
export function serveResources(sources: ResourceSources): readonly ServedResource[] {
  return table.map(({ resource, createReader }) => ({ resource, reader: createReader(sources) }));
}
