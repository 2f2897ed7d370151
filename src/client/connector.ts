/** Opens undici's connections, guarded by `tls/handshakeguard.ts`. */
import type { LookupFunction, Socket } from 'node:net';
import { type ConnectionOptions as TlsOptions, TLSSocket } from 'node:tls';
import { guardedClientTls, guardServer } from '../tls/handshakeguard.ts';
import type { TlsMaterial } from './apiserver.ts';
import { checkHostname } from './hostname.ts';
import { buildConnector, type Connector } from './undici.ts';

/** Decides about a peer after its handshake, before anything is sent. Returns why it is refused. */
export type VerifyPeer = (secure: TLSSocket) => Promise<Error | undefined>;

export interface ConnectorOptions {
  readonly lookup: LookupFunction;
  readonly timeoutMs: number;
  /** Beside Node's own verification. */
  readonly verifyPeer?: VerifyPeer | undefined;
  /** Whose turns handshakes take (see `guardServer`). Default: the server's. */
  readonly owner?: string;
}

type ConnectionTls = Pick<
  TlsOptions,
  | 'ca'
  | 'cert'
  | 'key'
  | 'servername'
  | 'rejectUnauthorized'
  | 'checkServerIdentity'
  | 'secureContext'
  | 'allowPartialTrustChain'
>;

/** Returns the `connect` option of an undici client or pool. */
export function guardedConnector(tls: ConnectionTls, options: ConnectorOptions): Connector {
  const { lookup, timeoutMs, verifyPeer, owner } = options;
  const connect = buildConnector({
    // A secure context has its own.
    ...guardedClientTls,
    ...tls,
    lookup,
    timeout: timeoutMs,
    allowH2: false,
    // A resumed session would skip the check of the host name. client-go resumes none either.
    maxCachedSessions: 0,
  });
  return (target, callback) => {
    const socket: unknown = connect(target, verifyPeer === undefined ? callback : verifying(verifyPeer, callback));
    if (socket instanceof TLSSocket) guardServer(socket, owner ?? `${target.hostname}:${target.port}`);
  };
}

type Connected = Parameters<Connector>[1];

/** Passes a connection on only once its peer is verified. */
function verifying(verifyPeer: VerifyPeer, callback: Connected): Connected {
  return (...[failure, socket]: Parameters<Connected>) => {
    if (failure === null) void passVerified(socket, verifyPeer, callback);
    else callback(failure, null);
  };
}

async function passVerified(socket: Socket, verifyPeer: VerifyPeer, callback: Connected): Promise<void> {
  const refusal = await refusalOf(socket, verifyPeer);
  if (refusal === undefined) return callback(null, socket);
  socket.destroy();
  return callback(refusal, null);
}

/** Never rejects. */
async function refusalOf(socket: Socket, verifyPeer: VerifyPeer): Promise<Error | undefined> {
  if (!(socket instanceof TLSSocket)) return new Error('a peer without TLS cannot be verified');
  try {
    const refusal = await verifyPeer(socket);
    return refusal ?? (socket.destroyed ? new Error('the connection is closed') : undefined);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Verifies kube-apiserver by Go's rules. */
export function apiServerConnector(material: TlsMaterial, options: ConnectorOptions): Connector {
  // As in Go, every certificate of the bundle is trusted, even an intermediate.
  return guardedConnector({ ...material, allowPartialTrustChain: true, checkServerIdentity: checkHostname }, options);
}
