/** A path that is served the way of an API: by one method, in named media types. Other paths answer everything they are asked. */
import { namesMediaType } from './accept.ts';
import { methodNotAllowed, noRepresentation, unsupportedMediaType } from '../apimachinery/status.ts';
import type { Reply } from './reply.ts';
import type { ApiRequest } from './requestinfo.ts';

export type Endpoint = (request: ApiRequest) => Reply | Promise<Reply>;

export interface Route {
  /** Media types that a request's body may have, though nobody reads it; undefined for any. */
  readonly consumes?: readonly string[];
  readonly produces: readonly string[];
  /** Throws StatusError for whatever the client should hear. */
  readonly serve: Endpoint;
}

/**
 * Serves a request for the route, or throws StatusError if it is not for a request of this kind. As in Kubernetes this router knows no
 * wildcard but the one for everything; which of the media types it will be, and in which form, is decided later and by other rules.
 */
export function serveRoute(route: Route, request: ApiRequest): Reply | Promise<Reply> {
  if (request.info.method !== 'GET') throw methodNotAllowed();
  const contentType = request.header('content-type');
  if (route.consumes !== undefined && contentType !== '' && !namesMediaType(contentType, route.consumes)) {
    throw unsupportedMediaType();
  }
  const accept = request.header('accept');
  if (accept !== '' && !namesMediaType(accept, [...route.produces, '*/*'])) throw noRepresentation(route.produces);
  return route.serve(request);
}
