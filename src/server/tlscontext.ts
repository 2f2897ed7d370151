/** The TLS context of the server: certificate, versions, ciphers, protocols. */
import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';

/** The certificate that the server presents, in PEM. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
}

export interface TlsOptions {
  readonly tlsMinVersion: 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL's cipher list; undefined for Node's default. */
  readonly tlsCiphers: string | undefined;
  /** OpenSSL's list of key exchange groups; undefined for Node's default. */
  readonly tlsCurves: string | undefined;
}

/** Returns all options of a context: options that an update does not repeat fall back to defaults. */
export function secureContext(tls: ServerTls, options: TlsOptions): SecureContextOptions {
  return {
    cert: tls.cert,
    key: tls.key,
    // Once OpenSSL has verified a chain, Node exposes only its first certificate. The certificate request names no CAs: clients take it for any.
    ca: [],
    minVersion: options.tlsMinVersion,
    ...(options.tlsCurves === undefined ? {} : { ecdhCurve: options.tlsCurves }),
    ...(options.tlsCiphers === undefined ? {} : { ciphers: options.tlsCiphers }),
    // A resumed session has no certificate chain. Renegotiation would bring certificates that the guard has not seen; Go refuses it, too.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  };
}

/** Chooses HTTP/1.1 by ALPN. The handshake fails for a client that offers only other protocols, as in Go. */
export function http1Only({ protocols }: { readonly protocols: readonly string[] }): string | undefined {
  return protocols.find((protocol) => protocol === 'http/1.1');
}
