/** The state that hooks share, and the request that endpoints get. */
import { firstHeaderLine } from '../auth/rawheaders.ts';
import type { Waiter } from '../auth/reviewcache.ts';
import { isAnonymous } from '../auth/user.ts';
import type { EventLoopQueue, QueueShare } from '../eventloopqueue.ts';
import { callerOf } from './callers.ts';
import type { ConnectionAges } from './connectionage.ts';
import type { ConnectionLookup, FromConnection } from './connectionlookup.ts';
import type { ApiRequest, RequestInfo } from './requestinfo.ts';
import { endOfResponse } from './responsesignal.ts';
import type { HttpRequest, HttpResponse, Responder } from './responder.ts';
import type { ServerOptions } from './serveroptions.ts';
import type { Shutdown } from './shutdown.ts';

export interface HookContext {
  readonly options: ServerOptions;
  readonly methodOf: (request: HttpRequest) => string;
  readonly connectionOf: ConnectionLookup;
  readonly users: EventLoopQueue;
  readonly shareOf: (request: FromConnection) => QueueShare;
  readonly ages: ConnectionAges;
  readonly responder: Responder;
  readonly shutdown: Shutdown;
}

/** Returns the request as reviews see it, in its user's share of the event loop or else its connection's. */
export function waiterOf({ shareOf, shutdown: { signal } }: HookContext, request: HttpRequest): Waiter {
  const turn = () => new Promise<void>((resolve) => (request.share ?? shareOf(request.raw)).enqueue(resolve));
  return { signal, turn };
}

/** Returns a request as endpoints see it; info is empty if unreadable. */
export function apiRequest(context: HookContext, request: HttpRequest, response: HttpResponse): ApiRequest {
  const { rawHeaders } = request.raw;
  const { user, share } = request;
  const info = request.info ?? unreadInfo(request.method);
  const common = {
    info,
    share,
    caller: callerOf(user),
    header: (name: string) => firstHeaderLine(rawHeaders, name) ?? '',
    signal: () => endOfResponse(response.raw),
  };
  // Anonymous requests are mostly probes: not worth an access review.
  if (user === undefined || isAnonymous(user)) return common;
  const { authorizer } = context.options;
  const mayGet = (path: string) =>
    authorizer.allows(user, { kind: 'path', verb: 'get', path }, waiterOf(context, request));
  return { ...common, mayGet };
}

function unreadInfo(method: string): RequestInfo {
  return { method, path: '', query: new Map(), rawQuery: '', resource: undefined, shape: 'other' };
}
