/** Sends requests to kubelets through kube-apiserver's node proxy, for clusters where only kube-apiserver reaches them. */
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
  /** Resolves kube-apiserver's name. Default: with the system's configuration. */
  readonly resolve?: Resolve | undefined;
}

/** Shorter than the idle timeout of kube-apiserver (90 s) and of common load balancers (60 s), so that ours closes first. */
const keepAliveMs = 45_000;

/** Creates a client that ignores a request's host and port: kube-apiserver selects them from the Node's status by flags of its own. */
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

  /** New TLS material needs new connections; requests on the old ones still get their responses. */
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
      // At most one per node, as each has one request under way. With a limit, kubelets that hang would delay the others.
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

  /** Does nothing: no connection belongs to one node, and the signal ends requests. */
  function release(): void {}

  async function dispose(): Promise<void> {
    for (const { lookups } of pools) lookups.abort();
    await Promise.all([...pools].map(({ dispatcher }) => dispatcher.destroy()));
  }
}

/** Returns the address that requests go to, whichever node they are for; IPv6 without brackets. */
export function proxyCandidate(url: string): { readonly host: string; readonly port: number } {
  const { hostname, port, protocol } = new URL(url);
  return { host: hostname.replaceAll(/[[\]]/g, ''), port: Number(port) || (defaultPorts.get(protocol) ?? 443) };
}

const defaultPorts: ReadonlyMap<string, number> = new Map([
  ['http:', 80],
  ['https:', 443],
]);

/**
 * Returns the proxy's path with the node's name alone. kube-apiserver then dials the port of the Node's status with its kubelet client certificate; with another port
 * in the path it would show no credentials and verify nothing.
 */
function proxyPath({ node, path }: KubeletRequest): string {
  // An annotation of the Node may have selected the path. Its dots must not lead out of the node's proxy.
  const { pathname, search } = new URL(path, 'https://kubelet');
  return `/api/v1/nodes/${encodeURIComponent(node)}/proxy${pathname}${search}`;
}
