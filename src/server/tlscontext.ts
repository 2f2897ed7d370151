/** The TLS context of the server. */
import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';

/** In PEM. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
}

export interface TlsOptions {
  readonly tlsMinVersion: 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL's format; undefined for Node's default. */
  readonly tlsCiphers: string | undefined;
  /** OpenSSL's list of groups; undefined for Node's default. */
  readonly tlsCurves: string | undefined;
}

/** Returns all options: an update resets those it omits. */
export function secureContext(tls: ServerTls, options: TlsOptions): SecureContextOptions {
  return {
    cert: tls.cert,
    key: tls.key,
    // Once OpenSSL has verified a chain, Node exposes only its first certificate. Without CAs, clients take the
    // request for any.
    ca: [],
    minVersion: options.tlsMinVersion,
    ...(options.tlsCurves === undefined ? {} : { ecdhCurve: options.tlsCurves }),
    ...(options.tlsCiphers === undefined ? {} : { ciphers: options.tlsCiphers }),
    // A resumed session has no certificate chain. Renegotiation would bypass the guard; Go refuses it, too.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  };
}

/** Chooses HTTP/1.1 by ALPN. The handshake fails for a client that offers only others, as in Go. */
export function http1Only({ protocols }: { readonly protocols: readonly string[] }): string | undefined {
  return protocols.find((protocol) => protocol === 'http/1.1');
}
