/** Requests that two readers understand in two ways. */
import type { Attack } from '../attack.ts';
import { exchange, statusOf } from '../stranger.ts';

const requests: Readonly<Record<string, string>> = {
  'two Host lines': 'GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n',
  'two equal Host lines': 'GET /livez HTTP/1.1\r\nHost: a\r\nhost: a\r\nConnection: close\r\n\r\n',
  'no Host line': 'GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n',
  'a length and chunks':
    'GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'two lengths': 'GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n',
  'a folded header': 'GET /livez HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\nConnection: close\r\n\r\n',
  'a space before a colon': 'GET /livez HTTP/1.1\r\nHost: a\r\nX : a\r\nConnection: close\r\n\r\n',
};

export const attacks: readonly Attack[] = [
  {
    name: `a stranger sends requests with ${Object.keys(requests).join(', ')}`,
    target: 'server/server.ts',
    async run(context) {
      for (const [name, text] of Object.entries(requests)) {
        const status = statusOf(await exchange(context, text));
        if (status !== 400) throw new Error(`a request with ${name} gets status ${status}`);
      }
    },
  },
];
