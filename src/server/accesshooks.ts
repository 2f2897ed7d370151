/** Hooks for trust, authentication, authorization and the limit in flight. */
import type { TLSSocket } from 'node:tls';
import { customGroup } from '../api/custom/metricvalues.ts';
import { externalGroup } from '../api/external/externalvalues.ts';
import { statusPath } from '../api/statusresource.ts';
import { serviceUnavailable, StatusError } from '../apimachinery/status.ts';
import type { Attributes } from '../auth/attributes.ts';
import type { UserInfo } from '../auth/authenticator.ts';
import { bearerWarning } from '../auth/bearer.ts';
import { anonymous, isAnonymous, masters } from '../auth/user.ts';
import { connectionKey } from './connectionlookup.ts';
import { endAfterResponse } from './connections.ts';
import { isHealthPath } from './health.ts';
import { apiRequest, type HookContext, waiterOf } from './hookcontext.ts';
import { callerOf } from './callers.ts';
import { tooManyRequestsReply } from './inflight.ts';
import { createPeerCertificate } from './peercertificate.ts';
import { type Reply, statusReply } from './reply.ts';
import type { RequestInfo } from './requestinfo.ts';
import type { HttpRequest, HttpResponse } from './responder.ts';
import { isStatusResource } from './statuspage.ts';
import { connectionWaitingBytesLimit } from './waitinglimits.ts';

type Hook = (request: HttpRequest, response: HttpResponse) => Promise<unknown>;

/** Serves health only until the CAs of clients are known: probes must not depend on kube-apiserver. */
export function answerBeforeTrust(context: HookContext): Hook {
  const { options, responder } = context;
  return async (request, response) => {
    if (options.trustKnown()) return undefined;
    const health = await options.router.serveHealth(request.info);
    if (health !== undefined) return responder.send(response, health);
    const error = serviceUnavailable(
      'the server is starting: it does not know yet which front proxies and clients to trust',
      1,
    );
    return responder.send(response, await statusReply(error, apiRequest(context, request, response)));
  };
}

/** Sets the request's user. A stranger's HTTP/2 connection ends after the response. */
export function authenticate(context: HookContext): Hook {
  const { authenticator, metrics } = context.options;
  const peerCertificate = createPeerCertificate();
  return async (request, response) => {
    const { rawHeaders } = request.raw;
    const warning = bearerWarning(rawHeaders);
    if (warning !== undefined) void response.header('warning', `299 - "${warning}"`);
    const socket = request.raw.socket as TLSSocket;
    const connection = connectionKey(request.raw);
    try {
      request.user = await authenticator.authenticate(
        {
          rawHeaders,
          certificate: peerCertificate(socket, connection),
          connection,
          get address() {
            return socket.remoteAddress ?? '';
          },
        },
        waiterOf(context, request),
      );
    } finally {
      metrics.authenticated(request.user === undefined ? 'error' : 'success');
      if (request.user === undefined || isAnonymous(request.user)) endAfterResponse(request.raw, response.raw);
      else request.connection?.markAuthenticated();
    }
  };
}

/**
 * Serves in the user's share of the event loop. Health and cluster admins, such as kube-apiserver, have no limit in
 * flight.
 */
export function authorizeAndServe(context: HookContext): Hook {
  const { options, responder, users } = context;
  return async (request, response) => {
    const { info, user = anonymous, load } = request;
    if ((load?.connectionBytes() ?? 0) > connectionWaitingBytesLimit) {
      return responder.send(response, tooManyRequestsReply());
    }
    // Anonymous requests have waited in their network's share.
    if (!isAnonymous(user)) request.share = users.shareOf(`user ${user.name}`);
    const work = async (): Promise<Reply> => {
      await authorize(context, request, user);
      const turn = request.share?.turn();
      if (turn !== undefined) await turn;
      return options.router.serve(apiRequest(context, request, response));
    };
    const { group } = info.resource ?? {};
    const isForValues = group === customGroup || group === externalGroup;
    const isExempt = isHealthPath(info.path) || user.groups.includes(masters);
    const reply = isExempt ? work() : options.inFlight.run(work, { kind: callerOf(user).kind, isForValues });
    return responder.send(response, await (reply ?? tooManyRequestsReply()));
  };
}

async function authorize(context: HookContext, request: HttpRequest, user: UserInfo): Promise<void> {
  const { authorizer, metrics } = context.options;
  try {
    for (const right of rightsFor(request.info)) await authorizer.authorize(user, right, waiterOf(context, request));
  } catch (error) {
    metrics.authorized(error instanceof StatusError ? 'no-opinion' : 'error');
    throw error;
  }
  metrics.authorized('allowed');
}

/**
 * Returns what a request needs, all of it. Roles that read all resources of all groups are common, and their users may
 * not see refused clients and addresses: the report as a resource also needs the right to its path.
 */
function rightsFor(info: RequestInfo): readonly Attributes[] {
  const requested = attributesOf(info);
  return isStatusResource(info) ? [requested, { kind: 'path', verb: 'get', path: statusPath }] : [requested];
}

function attributesOf({ method, path, query, resource }: RequestInfo): Attributes {
  if (resource === undefined) return { kind: 'path', verb: method.toLowerCase(), path };
  return {
    kind: 'resource',
    ...resource,
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
  };
}
