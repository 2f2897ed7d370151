/**
 * The resources of metrics.k8s.io. Discovery, OpenAPI, routes and request metrics follow from this table. Another resource is a file such as nodes.ts,
 * a row in `resources` and one in `serveResources`.
 */
import { createNodeReader, nodeMetrics, type NodeReaderOptions } from './nodes.ts';
import { createPodReader, podMetrics, type PodReaderOptions } from './pods.ts';
import type { Resource, ServedResource } from './resource.ts';

/** In the order of discovery. */
export const resources: readonly Resource[] = [nodeMetrics, podMetrics];

/** Pairs each resource with its reader. */
export function serveResources(options: NodeReaderOptions & PodReaderOptions): readonly ServedResource[] {
  return [
    { resource: nodeMetrics, reader: createNodeReader(options) },
    { resource: podMetrics, reader: createPodReader(options) },
  ];
}
