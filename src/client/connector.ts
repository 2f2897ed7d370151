/** Opens undici's connections, guarded by `tls/handshakeguard.ts`. */
import type { LookupFunction } from 'node:net';
import { type ConnectionOptions as TlsOptions, TLSSocket } from 'node:tls';
import { guardServer } from '../tls/handshakeguard.ts';
import type { TlsMaterial } from './apiserver.ts';
import { checkHostname } from './hostname.ts';
import { buildConnector, type Connector } from './undici.ts';

export interface ConnectorOptions {
  readonly lookup: LookupFunction;
  readonly timeoutMs: number;
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
export function guardedConnector(tls: ConnectionTls, { lookup, timeoutMs }: ConnectorOptions): Connector {
  const connect = buildConnector({
    ...tls,
    lookup,
    timeout: timeoutMs,
    allowH2: false,
    // A resumed session would skip the check of the host name. client-go resumes none either.
    maxCachedSessions: 0,
  });
  return (target, callback) => {
    const socket: unknown = connect(target, callback);
    if (socket instanceof TLSSocket) guardServer(socket);
  };
}

/** Verifies kube-apiserver by Go's rules. */
export function apiServerConnector(material: TlsMaterial, options: ConnectorOptions): Connector {
  // As in Go, every certificate of the bundle is trusted, even an intermediate.
  return guardedConnector({ ...material, allowPartialTrustChain: true, checkServerIdentity: checkHostname }, options);
}
