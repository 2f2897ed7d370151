/** One HTTPS request to one kubelet, over a connection that is kept for the next one. */
import { checkServerIdentity, createSecureContext, type SecureContext } from 'node:tls';
import { Client } from 'undici';
import { untilAborted } from '../abort.ts';
import type { OnBody } from './body.ts';
import { type Answer, connectionLimits, exchange, inTime } from './exchange.ts';
import type { Route } from './failure.ts';

/** What kubelets are checked against and what is shown to them; a new object whenever something in it changed. */
export interface KubeletTls {
  /** PEM bundle; undefined means the system's. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly insecure: boolean;
}

export interface KubeletClientOptions {
  readonly tls: () => KubeletTls;
  /** The Authorization header's value. */
  readonly authorization: () => Promise<string | undefined>;
  /** Plain HTTP without credentials. */
  readonly plainHttp: boolean;
  readonly requestTimeoutMs: number;
}

export interface KubeletRequest {
  readonly node: string;
  /** Name or address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** With its query. */
  readonly path: string;
  readonly accept: string;
  /** Whether to ask for a compressed body. */
  readonly gzip: boolean;
  /** How many other addresses the caller may try: this one must leave them some of the time. */
  readonly alternatives: number;
  /**
   * Chooses who takes the body as it comes; without a reader the answer has it. What this or the reader throws is what the request rejects with, and closes
   * the connection.
   */
  readonly onBody?: OnBody;
}

export interface KubeletResponse extends Answer, Route {
  readonly verifiedBy: Verification;
}

/**
 * By what we know that it was this node's kubelet that answered: its certificate names the address, or only the node;
 * kube-apiserver vouches for it; or nothing does.
 */
export type Verification = 'address' | 'node-name' | 'apiserver' | 'nothing';

export interface KubeletClient extends AsyncDisposable {
  /** @throws KubeletError when no whole answer came; any status is an answer. */
  fetch(request: KubeletRequest, signal: AbortSignal): Promise<KubeletResponse>;
  /** Closes the connection of a node that left. */
  release(node: string): void;
}

/** Kubelets close a connection that was idle for 90 s; ours goes first. */
const keepAliveMs = 80_000;

export function createKubeletClient(options: KubeletClientOptions): KubeletClient {
  const connections = new Map<string, Connection>();
  const contextOf = createContexts();
  const scheme = options.plainHttp ? 'http' : 'https';
  return { fetch, release, [Symbol.asyncDispose]: dispose };

  function fetch(request: KubeletRequest, signal: AbortSignal): Promise<KubeletResponse> {
    const route: Route = { via: 'kubelet', address: authority(request) };
    const attempt = { ...route, node: request.node, timeoutMs: options.requestTimeoutMs };
    return inTime(attempt, signal, async (limit) => {
      // Credentials may come from a plugin that hangs, and may bring a certificate, so they come first.
      const authorization = options.plainHttp ? undefined : await untilAborted(options.authorization(), limit);
      const connection = connectionTo(request);
      const answer = await exchange(connection.client, { ...request, authorization }, attempt, limit);
      return { ...answer, ...route, verifiedBy: connection.verifiedBy() };
    });
  }

  function connectionTo(request: KubeletRequest): Connection {
    const tls = options.tls();
    const target = authority(request);
    const held = connections.get(request.node);
    if (held !== undefined && held.target === target && held.tls === tls) return held;
    // A request under way on the old connection still ends well: close() waits for it.
    void held?.client.close();
    const made = connect(request, target, tls);
    connections.set(request.node, made);
    return made;
  }

  function connect({ node, alternatives }: KubeletRequest, target: string, tls: KubeletTls): Connection {
    let verifiedBy: Verification = 'nothing';
    const client = new Client(`${scheme}://${target}`, {
      ...connectionLimits,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      headersTimeout: options.requestTimeoutMs,
      bodyTimeout: options.requestTimeoutMs,
      connect: {
        timeout: options.requestTimeoutMs / (1 + alternatives),
        rejectUnauthorized: !tls.insecure,
        // A resumed session would skip the check of the name.
        maxCachedSessions: 0,
        checkServerIdentity: (host, certificate) => {
          const addressError = checkServerIdentity(host, certificate);
          if (!tls.insecure) verifiedBy = addressError === undefined ? 'address' : 'node-name';
          // Self-signed and many CSR-signed kubelet certificates name the node, not its IP.
          return addressError === undefined ? undefined : checkServerIdentity(node, certificate);
        },
        secureContext: contextOf(tls),
      },
    });
    return { client, target, tls, verifiedBy: () => verifiedBy };
  }

  function release(node: string): void {
    void connections.get(node)?.client.destroy();
    connections.delete(node);
  }

  async function dispose(): Promise<void> {
    await Promise.all([...connections.values()].map(({ client }) => client.destroy()));
    connections.clear();
  }
}

/** To read CAs and keys costs as much as half a handshake, so all connections share it. */
function createContexts(): (tls: KubeletTls) => SecureContext {
  let held: { readonly tls: KubeletTls; readonly context: SecureContext } | undefined;
  return (tls) => {
    if (held?.tls !== tls) {
      const { ca, cert, key } = tls;
      held = { tls, context: createSecureContext({ ca, cert, key }) };
    }
    return held.context;
  };
}

interface Connection {
  readonly client: Client;
  readonly target: string;
  readonly tls: KubeletTls;
  /** Of the latest connection that was opened. */
  readonly verifiedBy: () => Verification;
}

function authority({ host, port }: KubeletRequest): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
