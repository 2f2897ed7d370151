/** An API group as the server needs it. */
import type { RequestInfo } from './requestinfo.ts';
import type { ApiRoute } from './route.ts';

export interface ServedGroup {
  readonly name: string;
  /** Returns undefined for unknown paths. */
  route(info: RequestInfo): ApiRoute | undefined;
  /** Returns undefined for unknown paths, and known values otherwise: a client must not be able to create series. */
  labels(info: RequestInfo): ResourceLabels | undefined;
}

/** Returns the group that a path names. */
export function groupOf(groups: readonly ServedGroup[], { resource }: RequestInfo): ServedGroup | undefined {
  return groups.find(({ name }) => name === resource?.group);
}

/** Labels of request metrics. */
export interface ResourceLabels {
  readonly verb: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly scope: 'resource' | 'namespace' | 'cluster';
}
