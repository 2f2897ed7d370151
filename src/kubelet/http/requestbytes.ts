/** Writes what is asked as the bytes of an HTTP/1.1 request. */
import { userAgent } from '../../version.ts';
import type { WireRequest } from './exchange.ts';

/**
 * @param authority host and port as in a URL.
 * @throws Error when something in it would end its line, or be two things: an annotation of the Node may have chosen the path, and a file the token.
 */
export function requestBytes(authority: string, { path, accept, gzip, authorization }: WireRequest): Buffer {
  if (!/^\/[\x21-\x7e]*$/.test(path)) throw new Error('the path of a request is none');
  const headers = {
    host: authority,
    'user-agent': userAgent,
    accept,
    'accept-encoding': gzip ? 'gzip' : 'identity',
    ...(authorization === undefined ? {} : { authorization }),
  };
  const lines = Object.entries(headers).map(([name, value]) => {
    // The value may be a secret.
    if (!/^[\x20-\x7e]*$/.test(value))
      throw new Error(`the header ${name} of a request has characters that no header may have`);
    return `${name}: ${value}\r\n`;
  });
  const text = `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
  // Of its own memory: it is kept as long as the connection, and would keep what it shares its memory with.
  const bytes = Buffer.allocUnsafeSlow(text.length);
  bytes.write(text, 'latin1');
  return bytes;
}
