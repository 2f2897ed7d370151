/** What the server shows and takes in TLS handshakes. */
import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';

/** The certificate that the server presents, in PEM. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
}

export interface TlsOptions {
  readonly tlsMinVersion: 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL's cipher list; undefined for Node's. */
  readonly tlsCiphers: string | undefined;
  /** OpenSSL's list of key exchanges; undefined for Node's. */
  readonly tlsCurves: string | undefined;
}

/** Returns all of a context's options, each time: what is not repeated falls back to defaults. */
export function secureContext(tls: ServerTls, options: TlsOptions): SecureContextOptions {
  return {
    cert: tls.cert,
    key: tls.key,
    // No CA for OpenSSL: once it has verified a chain itself, Node shows only its first certificate, and our rules are others than its.
    // So the request names no CAs, which every client takes for any.
    ca: [],
    minVersion: options.tlsMinVersion,
    ...(options.tlsCurves === undefined ? {} : { ecdhCurve: options.tlsCurves }),
    ...(options.tlsCiphers === undefined ? {} : { ciphers: options.tlsCiphers }),
    // A resumed session has lost the client's certificate chain. Renegotiation would bring certificates that nothing has looked at; Go has none either.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  };
}

/** Chooses HTTP/1.1, or nothing: the handshake of a client that offers only others fails, as with Go. One that offers nothing speaks HTTP/1.1. */
export function http1Only({ protocols }: { readonly protocols: readonly string[] }): string | undefined {
  return protocols.find((protocol) => protocol === 'http/1.1');
}
