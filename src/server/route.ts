/** API paths: one method, and declared media types. */
import { namesMediaType } from './accept.ts';
import { methodNotAllowed, noRepresentation, unsupportedMediaType } from '../apimachinery/status.ts';
import type { Reply } from './reply.ts';
import type { ApiRequest } from './requestinfo.ts';

export type Handler = (request: ApiRequest) => Reply | Promise<Reply>;

export interface ApiRoute {
  /** Media types of the unread body; undefined for any. */
  readonly consumes?: readonly string[];
  readonly produces: readonly string[];
  /** Throws StatusError. */
  readonly serve: Handler;
}

/**
 * As in Kubernetes, this stage knows only the wildcard for all types; `negotiate.ts` then chooses the form.
 * @throws StatusError for another method or media type.
 */
export function serveRoute(route: ApiRoute, request: ApiRequest): Reply | Promise<Reply> {
  if (request.info.method !== 'GET') throw methodNotAllowed();
  const contentType = request.header('content-type');
  if (route.consumes !== undefined && contentType !== '' && !namesMediaType(contentType, route.consumes)) {
    throw unsupportedMediaType();
  }
  const accept = request.header('accept');
  if (accept !== '' && !namesMediaType(accept, [...route.produces, '*/*'])) throw noRepresentation(route.produces);
  return route.serve(request);
}
