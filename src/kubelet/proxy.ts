/** Requests to kubelets by way of kube-apiserver's node proxy, for clusters where nobody else reaches them. */
import type { ApiServer, TlsMaterial } from '../client/apiserver.ts';
import { apiServerConnector } from '../client/connector.ts';
import { Pool } from '../client/undici.ts';
import type { Resolve } from '../dns/address.ts';
import { Lookups } from '../dns/lookup.ts';
import { systemResolver } from '../dns/resolver.ts';
import type { KubeletClient, KubeletRequest, KubeletResponse } from './client.ts';
import { keepSecret } from '../foreigntext.ts';
import { dispatch, type UndiciConnections, undiciLimits } from './http/undicitransport.ts';
import { withinDeadline } from './http/exchange.ts';
import type { KubeletRoute } from './explain/kubeleterror.ts';
import { chooseInflater } from './http/inflate.ts';

export interface KubeletProxyOptions {
  readonly apiServer: ApiServer;
  readonly requestTimeoutMs: number;
  /** Finds the addresses of kube-apiserver where it has a name. Unset: with the system's configuration. */
  readonly resolve?: Resolve | undefined;
}

/** Shorter than the idle time of kube-apiserver (90 s) and of common load balancers (60 s), so that we close first. */
const keepAliveMs = 45_000;

/** A client that takes no notice of the request's host and port: kube-apiserver chooses them from the Node's status by flags of its own. */
export function createKubeletProxy({ apiServer, requestTimeoutMs, resolve }: KubeletProxyOptions): KubeletClient {
  const { origin, protocol, hostname, pathname } = new URL(apiServer.url);
  const route: KubeletRoute = { via: 'apiserver', address: `${hostname}:${proxyCandidate(apiServer.url).port}` };
  const prefix = pathname.replace(/\/$/, '');
  const makeInflater = chooseInflater();
  let current: { readonly material: TlsMaterial; readonly pool: UndiciConnections } | undefined;
  const pools = new Set<UndiciConnections>();
  return { fetch, release, [Symbol.asyncDispose]: dispose };

  function fetch(request: KubeletRequest, signal: AbortSignal): Promise<KubeletResponse> {
    const attempt = { ...route, node: request.node, timeoutMs: requestTimeoutMs };
    return withinDeadline(attempt, signal, async (limit) => {
      const authorization = await limit.until(Promise.resolve(apiServer.authorization()));
      keepSecret(authorization);
      const { material, pool } = connections();
      const path = `${prefix}${proxyPath(request)}`;
      const answer = await dispatch(pool, { ...request, path, authorization }, attempt, makeInflater, limit);
      if (answer.status === 401) apiServer.refresh?.();
      const verified = protocol === 'https:' && material.rejectUnauthorized;
      return { ...answer, ...route, verifiedBy: verified ? 'apiserver' : 'nothing' };
    });
  }

  /** New connections use new TLS material; what runs on old ones ends there. */
  function connections(): { readonly material: TlsMaterial; readonly pool: UndiciConnections } {
    const material = apiServer.tls();
    if (current?.material === material) return current;
    if (current !== undefined) void retire(current.pool);
    current = { material, pool: connect(material) };
    pools.add(current.pool);
    return current;
  }

  function connect(material: TlsMaterial): UndiciConnections {
    const lookups = new Lookups(resolve ?? systemResolver().resolveFirst, requestTimeoutMs);
    const dispatcher = new Pool(origin, {
      ...undiciLimits,
      // Each node is asked once at a time, so there are never more than nodes; with fewer, kubelets that hang would hold up the others.
      connections: null,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      headersTimeout: requestTimeoutMs,
      bodyTimeout: requestTimeoutMs,
      connect: apiServerConnector(material, { lookup: lookups.lookup, timeoutMs: requestTimeoutMs }),
    });
    return { dispatcher, lookups };
  }

  async function retire(pool: UndiciConnections): Promise<void> {
    await pool.dispatcher.close();
    pools.delete(pool);
  }

  /** No connection is any one node's; the signal ends what is under way. */
  function release(): void {}

  async function dispose(): Promise<void> {
    for (const { lookups } of pools) lookups.abort();
    await Promise.all([...pools].map(({ dispatcher }) => dispatcher.destroy()));
  }
}

/** Where requests go, whichever node they are for; IPv6 without brackets. */
export function proxyCandidate(url: string): { readonly host: string; readonly port: number } {
  const { hostname, port, protocol } = new URL(url);
  return { host: hostname.replaceAll(/[[\]]/g, ''), port: Number(port) || (defaultPorts.get(protocol) ?? 443) };
}

const defaultPorts: ReadonlyMap<string, number> = new Map([
  ['http:', 80],
  ['https:', 443],
]);

/**
 * The node's name alone, without scheme and port: then kube-apiserver dials the port of the Node's status with its kubelet client
 * certificate. With another port it would show no credentials and verify nothing.
 */
function proxyPath({ node, path }: KubeletRequest): string {
  // An annotation of the Node may have chosen the path; its dots must not lead out of the node's proxy.
  const { pathname, search } = new URL(path, 'https://kubelet');
  return `/api/v1/nodes/${encodeURIComponent(node)}/proxy${pathname}${search}`;
}
