/** Pools connections to kube-apiserver; new TLS material starts a new pool. */
import type { Lookups } from '../dns/lookup.ts';
import type { ApiServer, TlsMaterial } from './apiserver.ts';
import { apiServerConnector } from './connector.ts';
import { type Dispatcher, Pool } from './undici.ts';

/** Below the idle timeouts of kube-apiserver (90 s) and of common load balancers (60 s), so that this side closes first. */
const keepAliveMs = 45_000;
/** Further requests wait. */
const defaultConnectionLimit = 32;

export interface ConnectionPoolOptions {
  readonly lookups: Lookups;
  readonly connectTimeoutMs: number;
  readonly connections: number | undefined;
}

export class ConnectionPool {
  readonly #server: ApiServer;
  readonly #options: ConnectionPoolOptions;
  readonly #pools = new Set<Dispatcher>();
  #current: { readonly material: TlsMaterial; readonly pool: Dispatcher } | undefined;
  #isClosed = false;

  constructor(server: ApiServer, options: ConnectionPoolOptions) {
    this.#server = server;
    this.#options = options;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Returns the pool for new requests; those on an older pool may end there (a watch within ten minutes). */
  current(): Dispatcher {
    if (this.#isClosed) throw new Error('the client is closed');
    const material = this.#server.tls();
    if (this.#current?.material === material) return this.#current.pool;
    const previous = this.#current?.pool;
    this.#current = { material, pool: this.#create(material) };
    this.#pools.add(this.#current.pool);
    if (previous !== undefined) void this.#retire(previous);
    return this.#current.pool;
  }

  async destroy(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#pools].map((pool) => pool.destroy()));
  }

  #create(material: TlsMaterial): Dispatcher {
    const { lookups, connectTimeoutMs, connections = defaultConnectionLimit } = this.#options;
    return new Pool(new URL(this.#server.url).origin, {
      allowH2: false,
      pipelining: 1,
      connections,
      keepAliveTimeout: keepAliveMs,
      connect: apiServerConnector(material, { lookup: lookups.lookup, timeoutMs: connectTimeoutMs }),
    });
  }

  async #retire(pool: Dispatcher): Promise<void> {
    await pool.close();
    this.#pools.delete(pool);
  }
}
