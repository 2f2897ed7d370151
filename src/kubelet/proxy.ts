/** Sends requests through kube-apiserver's node proxy, where only kube-apiserver reaches kubelets. */
import type { ApiServer, TlsMaterial } from '../client/apiserver.ts';
import { apiServerConnector } from '../client/connector.ts';
import { Pool } from '../client/undici.ts';
import type { Resolve } from '../dns/address.ts';
import { Lookups } from '../dns/lookup.ts';
import { systemResolver } from '../dns/systemresolver.ts';
import { keepSecret } from '../foreigntext.ts';
import type { KubeletClient, KubeletResponse } from './client.ts';
import type { KubeletRoute } from './explain/kubeleterror.ts';
import { withinDeadline } from './http/exchange.ts';
import { chooseInflater } from './http/inflate.ts';
import { dispatch, type UndiciConnections, undiciLimits } from './http/undicitransport.ts';
import type { KubeletRequest } from './request.ts';

export interface KubeletProxyOptions {
  readonly apiServer: ApiServer;
  readonly requestTimeoutMs: number;
  /** Default: the system's configuration. */
  readonly resolve?: Resolve | undefined;
}

/** Below the idle timeouts of kube-apiserver (90 s) and common load balancers (60 s), so ours closes first. */
const keepAliveMs = 45_000;

/** Creates a client that ignores host and port: kube-apiserver selects them from the Node's status by its own flags. */
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
    return withinDeadline(attempt, signal, async (deadline) => {
      const authorization = await deadline.until(Promise.resolve(apiServer.authorization()));
      keepSecret(authorization);
      const { material, pool } = connections();
      const path = `${prefix}${proxyPath(request)}`;
      const response = await dispatch(pool, { ...request, path, authorization }, attempt, makeInflater, deadline);
      if (response.status === 401) apiServer.refresh?.();
      const verified = protocol === 'https:' && material.rejectUnauthorized;
      return { ...response, ...route, verifiedBy: verified ? 'apiserver' : 'nothing' };
    });
  }

  /** New TLS material needs new connections; old requests still get responses. */
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
      // At most one per node, as each has one request under way. With a limit, hanging kubelets would delay others.
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

  /** No connection belongs to one node; the signal ends requests. */
  function release(): void {}

  async function dispose(): Promise<void> {
    for (const { lookups } of pools) lookups.abort();
    await Promise.all([...pools].map(({ dispatcher }) => dispatcher.destroy()));
  }
}

/** Returns the address for all nodes; IPv6 without brackets. */
export function proxyCandidate(url: string): { readonly host: string; readonly port: number } {
  const { hostname, port, protocol } = new URL(url);
  return { host: hostname.replaceAll(/[[\]]/g, ''), port: Number(port) || (defaultPorts.get(protocol) ?? 443) };
}

const defaultPorts: ReadonlyMap<string, number> = new Map([
  ['http:', 80],
  ['https:', 443],
]);

/**
 * Names the node alone, so kube-apiserver dials the Node's port with its client certificate. With another port it would
 * show no credentials and verify nothing.
 */
function proxyPath({ node, path }: KubeletRequest): string {
  // A Node's annotation may select the path; its dots must not leave the proxy.
  const { pathname, search } = new URL(path, 'https://kubelet');
  return `/api/v1/nodes/${encodeURIComponent(node)}/proxy${pathname}${search}`;
}
