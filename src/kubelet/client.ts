/** One HTTPS request to one kubelet, over a connection that is kept for the next one. */
import { constants } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext, DEFAULT_CIPHERS, type PeerCertificate, type SecureContext } from 'node:tls';
import { checkHostname } from '../client/hostname.ts';
import type { Resolve } from '../dns/address.ts';
import { systemResolver } from '../dns/resolver.ts';
import { keepSecret } from '../foreigntext.ts';
import type { OnBody } from './http/body.ts';
import { type Connection, createConnection } from './http/connection.ts';
import type { UndiciOptions } from './http/undicitransport.ts';
import { type GetResponse, withinDeadline } from './http/exchange.ts';
import type { Attempt, KubeletRoute } from './explain/kubeleterror.ts';
import { chooseInflater } from './http/inflate.ts';
import type { RequestDeadline } from './http/requestdeadline.ts';
import { readBufferBytes } from './http/socket.ts';

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
  readonly authorization: () => string | undefined | Promise<string | undefined>;
  /** Plain HTTP without credentials. */
  readonly plainHttp: boolean;
  readonly requestTimeoutMs: number;
  /** Finds the addresses of hosts that are names. Unset: with the system's configuration. */
  readonly resolve?: Resolve | undefined;
  /** Unset: built-in. */
  readonly httpClient?: HttpClient | undefined;
  /** False: no body is asked for compressed, whoever asks. Unset: true. */
  readonly compression?: boolean | undefined;
}

/** Who speaks HTTP with kubelets: we ourselves, which is several times cheaper, or undici, which the former is held against. */
export type HttpClient = 'built-in' | 'undici';

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

export interface KubeletResponse extends GetResponse, KubeletRoute {
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

export function createKubeletClient(options: KubeletClientOptions): KubeletClient {
  const held = new Map<string, Held>();
  const contextOf = createContexts();
  const makeInflater = chooseInflater();
  const buffer = Buffer.allocUnsafeSlow(readBufferBytes);
  const resolve = options.resolve ?? systemResolver().resolve;
  return { fetch, release, [Symbol.asyncDispose]: dispose };

  function fetch(request: KubeletRequest, signal: AbortSignal): Promise<KubeletResponse> {
    const { node } = request;
    const attempt: Attempt = { via: 'kubelet', address: authority(request), node, timeoutMs: options.requestTimeoutMs };
    return withinDeadline(attempt, signal, (limit) => {
      // Credentials may come from a plugin that hangs, and may bring a certificate, so they come first.
      const authorization = options.plainHttp ? undefined : options.authorization();
      if (!(authorization instanceof Promise)) return ask(request, attempt, authorization, limit);
      return limit.until(authorization).then((value) => ask(request, attempt, value, limit));
    });
  }

  async function ask(
    request: KubeletRequest,
    attempt: Attempt,
    authorization: string | undefined,
    limit: RequestDeadline,
  ): Promise<KubeletResponse> {
    keepSecret(authorization);
    const { connection, verifiedBy } = connectionTo(request);
    const { path, accept, onBody } = request;
    const gzip = request.gzip && options.compression !== false && makeInflater !== undefined;
    const question = { path, accept, gzip, authorization, ...(onBody === undefined ? {} : { onBody }) };
    const { status, contentType, dateMs, body, wireBytes } = await connection.ask(question, attempt, limit);
    const { via, address } = attempt;
    return { status, contentType, dateMs, body, wireBytes, via, address, verifiedBy: verifiedBy() };
  }

  function connectionTo(request: KubeletRequest): Held {
    const tls = options.plainHttp ? noTls : options.tls();
    const target = authority(request);
    const known = held.get(request.node);
    if (known?.target === target && known.tls === tls) return known;
    // A request under way on the old connection still ends well: close() waits for it.
    void known?.connection.close();
    const made = hold(request, target, tls);
    held.set(request.node, made);
    return made;
  }

  function hold({ node, host, port, alternatives }: KubeletRequest, target: string, tls: KubeletTls): Held {
    let verifiedBy: Verification = 'nothing';
    const tlsOptions = {
      rejectUnauthorized: !tls.insecure,
      checkServerIdentity: (name: string, certificate: PeerCertificate) => {
        const addressError = checkHostname(name, certificate);
        if (!tls.insecure) verifiedBy = addressError === undefined ? 'address' : 'node-name';
        // Self-signed and many CSR-signed kubelet certificates name the node, not its IP.
        return addressError === undefined ? undefined : checkHostname(node, certificate);
      },
      secureContext: contextOf(tls),
    };
    const { plainHttp, requestTimeoutMs, httpClient } = options;
    const connectTimeoutMs = requestTimeoutMs / (1 + alternatives);
    const connection =
      httpClient === 'undici'
        ? createUndiciConnection({
            origin: `${plainHttp ? 'http' : 'https'}://${target}`,
            tls: tlsOptions,
            connectTimeoutMs,
            requestTimeoutMs,
            makeInflater,
            resolve,
          })
        : createConnection(target, {
            host,
            port,
            tls: plainHttp ? undefined : { ...tlsOptions, ...(isIP(host) === 0 ? { servername: host } : {}) },
            connectTimeoutMs,
            buffer,
            makeInflater,
            resolve,
          });
    return { connection, target, tls, verifiedBy: () => verifiedBy };
  }

  function release(node: string): void {
    void held.get(node)?.connection.destroy();
    held.delete(node);
  }

  async function dispose(): Promise<void> {
    await Promise.all([...held.values()].map(({ connection }) => connection.destroy()));
    held.clear();
  }
}

/** Loaded when somebody asks for it: every thread would pay for it otherwise. */
function createUndiciConnection(options: UndiciOptions): Connection {
  const loaded = import('./http/undicitransport.ts').then((undici) => undici.createUndiciConnection(options));
  return {
    ask: async (question, attempt, limit) => (await loaded).ask(question, attempt, limit),
    close: async () => (await loaded).close(),
    destroy: async () => (await loaded).destroy(),
  };
}

/** Of plain HTTP. */
const noTls: KubeletTls = { ca: undefined, cert: undefined, key: undefined, insecure: true };

/**
 * A kubelet must not choose the size of Diffie-Hellman parameters, which cost us a second at most, nor show other certificates later. Go's clients offer
 * neither.
 */
const hardened = { ciphers: `${DEFAULT_CIPHERS}:!kDHE`, secureOptions: constants.SSL_OP_NO_RENEGOTIATION };

/** To read CAs and keys costs as much as half a handshake, so all connections share it. */
function createContexts(): (tls: KubeletTls) => SecureContext {
  let held: { readonly tls: KubeletTls; readonly context: SecureContext } | undefined;
  return (tls) => {
    if (held?.tls !== tls) {
      const { ca, cert, key } = tls;
      held = { tls, context: createSecureContext({ ca, cert, key, allowPartialTrustChain: true, ...hardened }) };
    }
    return held.context;
  };
}

interface Held {
  readonly connection: Connection;
  readonly target: string;
  readonly tls: KubeletTls;
  /** Of the latest connection that was opened. */
  readonly verifiedBy: () => Verification;
}

/** As a URL has it. */
export function authority({ host, port }: Pick<KubeletRequest, 'host' | 'port'>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
