/** Kubelet connections, one per node, and how certificates are verified. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext, type PeerCertificate, type SecureContext } from 'node:tls';
import { checkHostname } from '../client/hostname.ts';
import type { Resolve } from '../dns/address.ts';
import { guardedClientTls } from '../tls/handshakeguard.ts';
import { type Connection, createConnection } from './http/connection.ts';
import { HeadCache } from './http/http1.ts';
import type { MakeInflater } from './http/inflate.ts';
import type { KubeletTls } from './http/kubelettls.ts';
import { readBufferBytes } from './http/socket.ts';
import type { UndiciOptions } from './http/undicitransport.ts';
import { createPeerPinning, rootsOf } from './pins/peerpinning.ts';
import type { CheckPin, Proof } from './pins/proof.ts';
import { authority, type KubeletRequest } from './request.ts';

/** The built-in client costs a fraction of the CPU; undici rules out its bugs. */
export type HttpClient = 'built-in' | 'undici';

/** Proof of the kubelet: a certificate for the address, or only for the node; a pinned key; kube-apiserver; or none. */
export type KubeletVerification = 'address' | 'node-name' | 'pinned-key' | 'apiserver' | 'nothing';

export interface NodeConnectionsOptions {
  readonly tls: () => KubeletTls;
  readonly plainHttp: boolean;
  readonly requestTimeoutMs: number;
  readonly resolve: Resolve;
  readonly httpClient: HttpClient;
  readonly makeInflater: MakeInflater | undefined;
  /** With it, a self-signed certificate is verified by its pinned key. */
  readonly checkPin: CheckPin | undefined;
}

export interface NodeConnection {
  readonly connection: Connection;
  readonly verifiedBy: () => KubeletVerification;
}

interface CurrentConnection extends NodeConnection {
  readonly target: string;
  readonly tls: KubeletTls;
  /** The pinned key that verified it, if one did. */
  readonly pinned: () => Proof | undefined;
}

export class NodeConnections {
  readonly #options: NodeConnectionsOptions;
  readonly #open = new Map<string, CurrentConnection>();
  readonly #buffer = Buffer.allocUnsafeSlow(readBufferBytes);
  readonly #heads = new HeadCache();
  /** Shared: parsing CAs and keys costs as much as half a handshake. */
  #context: { readonly tls: KubeletTls; readonly context: SecureContext } | undefined;
  #roots: { readonly ca: string | undefined; readonly certificates: readonly X509Certificate[] } | undefined;

  constructor(options: NodeConnectionsOptions) {
    this.#options = options;
  }

  /** Replaces the connection if address or TLS material has changed; requests under way still get their responses. */
  of(request: KubeletRequest): NodeConnection {
    const tls = this.#options.plainHttp ? plainHttpTls : this.#options.tls();
    const target = authority(request);
    const open = this.#open.get(request.node);
    if (open?.target === target && open.tls === tls) {
      const proof = open.pinned();
      if (proof !== undefined) void this.#checkAgain(request.node, open, proof);
      return open;
    }
    void open?.connection.close();
    const opened = { ...this.#create(request, target, tls), target, tls };
    this.#open.set(request.node, opened);
    return opened;
  }

  /** Closes a connection whose key is not the pinned one any more, as after `kubegauge trust`. It could stay open forever. Never rejects. */
  async #checkAgain(node: string, open: CurrentConnection, proof: Proof): Promise<void> {
    const verdict = await this.#options.checkPin?.(node, proof, true).catch(() => undefined);
    if (verdict?.kind !== 'changed' || this.#open.get(node) !== open) return;
    this.#open.delete(node);
    void open.connection.close();
  }

  release(node: string): void {
    void this.#open.get(node)?.connection.destroy();
    this.#open.delete(node);
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.#open.values()].map(({ connection }) => connection.destroy()));
    this.#open.clear();
  }

  #create(
    { node, host, port, alternatives }: KubeletRequest,
    target: string,
    tls: KubeletTls,
  ): NodeConnection & Pick<CurrentConnection, 'pinned'> {
    const { plainHttp, requestTimeoutMs, httpClient, makeInflater, resolve } = this.#options;
    const checkPin = tls.insecure ? undefined : this.#options.checkPin;
    let verifiedBy: KubeletVerification = 'nothing';
    let pinned: Proof | undefined;
    const checkServerIdentity = (name: string, certificate: PeerCertificate) => {
      const addressError = checkHostname(name, certificate);
      pinned = undefined;
      if (!tls.insecure) verifiedBy = addressError === undefined ? 'address' : 'node-name';
      // Certificates that are self-signed or requested by CSR often name the node, not its IP address.
      return addressError === undefined ? undefined : checkHostname(node, certificate);
    };
    const verifyPeer =
      checkPin &&
      createPeerPinning({
        node,
        checkPin,
        roots: () => this.#rootsOf(tls),
        checkNames: (certificate) => checkServerIdentity(host, certificate),
        onPinned(proof) {
          verifiedBy = 'pinned-key';
          pinned = proof;
        },
      });
    const tlsOptions = {
      // With verifyPeer, that decides.
      rejectUnauthorized: !tls.insecure && verifyPeer === undefined,
      checkServerIdentity,
      secureContext: this.#contextOf(tls),
    };
    const connectTimeoutMs = requestTimeoutMs / (1 + alternatives);
    const shared = { connectTimeoutMs, makeInflater, resolve, verifyPeer };
    const connection =
      httpClient === 'undici'
        ? createUndiciConnection({
            ...shared,
            origin: `${plainHttp ? 'http' : 'https'}://${target}`,
            tls: tlsOptions,
            requestTimeoutMs,
          })
        : createConnection(target, {
            ...shared,
            host,
            port,
            tls: plainHttp ? undefined : { ...tlsOptions, ...(isIP(host) === 0 ? { servername: host } : {}) },
            buffer: this.#buffer,
            heads: this.#heads,
          });
    return { connection, verifiedBy: () => verifiedBy, pinned: () => pinned };
  }

  #contextOf(tls: KubeletTls): SecureContext {
    if (this.#context?.tls !== tls) {
      const { ca, cert, key } = tls;
      const context = createSecureContext({ ca, cert, key, allowPartialTrustChain: true, ...guardedClientTls });
      this.#context = { tls, context };
    }
    return this.#context.context;
  }

  #rootsOf({ ca }: KubeletTls): readonly X509Certificate[] {
    if (this.#roots === undefined || this.#roots.ca !== ca) this.#roots = { ca, certificates: rootsOf(ca) };
    return this.#roots.certificates;
  }
}

/** On demand: otherwise every thread would pay for undici. */
function createUndiciConnection(options: UndiciOptions): Connection {
  const loaded = import('./http/undicitransport.ts').then((undici) => undici.createUndiciConnection(options));
  return {
    send: async (request, attempt, deadline) => (await loaded).send(request, attempt, deadline),
    close: async () => (await loaded).close(),
    destroy: async () => (await loaded).destroy(),
  };
}

const plainHttpTls: KubeletTls = { ca: undefined, cert: undefined, key: undefined, insecure: true };
