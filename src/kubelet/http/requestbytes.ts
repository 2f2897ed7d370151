/** Writes a GET in HTTP/1.1. */
import { userAgent } from '../../version.ts';
import type { WireRequest } from './exchange.ts';

/** Keeps the latest bytes: between scrapes only a token may change. */
export class RequestWriter {
  readonly #authority: string;
  #latest: { readonly request: WireRequest; readonly bytes: Buffer } | undefined;

  constructor(authority: string) {
    this.#authority = authority;
  }

  /** @throws Error as `requestBytes`. */
  bytesOf({ path, accept, gzip, authorization }: WireRequest): Buffer {
    // A copy: the request would keep its reader and all it has read.
    const request = { path, accept, gzip, authorization };
    if (this.#latest === undefined || !isSame(this.#latest.request, request)) {
      this.#latest = { request, bytes: requestBytes(this.#authority, request) };
    }
    return this.#latest.bytes;
  }
}

/** @throws Error if a part would end its line early: a Node's annotation may select the path, a file the token. */
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
    // The value may be a secret, so the message omits it.
    if (!/^[\x20-\x7e]*$/.test(value)) {
      throw new Error(`the header ${name} of a request has characters that no header may have`);
    }
    return `${name}: ${value}\r\n`;
  });
  const text = `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
  // The shared pool would live as long as the connection.
  const bytes = Buffer.allocUnsafeSlow(text.length);
  bytes.write(text, 'latin1');
  return bytes;
}

function isSame(a: WireRequest, b: WireRequest): boolean {
  return a.path === b.path && a.accept === b.accept && a.gzip === b.gzip && a.authorization === b.authorization;
}
