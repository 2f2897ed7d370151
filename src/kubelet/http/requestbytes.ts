/** Writes a GET as the bytes of an HTTP/1.1 request. */
import { userAgent } from '../../version.ts';
import type { WireRequest } from './exchange.ts';

/** The requests of one connection. From one scrape to the next only a token may change, so the latest bytes are kept. */
export class RequestWriter {
  readonly #authority: string;
  #latest: { readonly request: WireRequest; readonly bytes: Buffer } | undefined;

  /** @param authority host and port as in a URL. */
  constructor(authority: string) {
    this.#authority = authority;
  }

  /** Returns the bytes of the request. @throws Error as `requestBytes`. */
  bytesOf({ path, accept, gzip, authorization }: WireRequest): Buffer {
    // A copy without other fields: a reader of the body would be kept with all that it has read.
    const request = { path, accept, gzip, authorization };
    if (this.#latest === undefined || !isSame(this.#latest.request, request)) {
      this.#latest = { request, bytes: requestBytes(this.#authority, request) };
    }
    return this.#latest.bytes;
  }
}

/** @throws Error if a part would end its line early: an annotation of the Node may select the path, and a file the token. */
export function requestBytes(authority: string, { path, accept, gzip, authorization }: WireRequest): Buffer {
  if (!/^\/[\x21-\x7e]*$/.test(path)) throw new Error('the path of a request is malformed');
  const headers = {
    host: authority,
    'user-agent': userAgent,
    accept,
    'accept-encoding': gzip ? 'gzip' : 'identity',
    ...(authorization === undefined ? {} : { authorization }),
  };
  const lines = Object.entries(headers).map(([name, value]) => {
    // The value may be a secret, so it is not in the message.
    if (!/^[\x20-\x7e]*$/.test(value)) {
      throw new Error(`the header ${name} of a request has characters that no header may have`);
    }
    return `${name}: ${value}\r\n`;
  });
  const text = `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
  // Not from the shared pool, which it would keep alive as long as the connection.
  const bytes = Buffer.allocUnsafeSlow(text.length);
  bytes.write(text, 'latin1');
  return bytes;
}

function isSame(a: WireRequest, b: WireRequest): boolean {
  return a.path === b.path && a.accept === b.accept && a.gzip === b.gzip && a.authorization === b.authorization;
}
