/** The ways in which a kubelet's answer can be wrong. */
import type { ServerResponse } from 'node:http';
import type { RowShape } from './kubeletrows.ts';

/**
 * A status code instead of 200, or:
 * - hang: the request is never answered;
 * - drip: a whole answer that takes for ever;
 * - cut: the connection breaks in the middle of the body;
 * - truncated: the body ends early, and properly as far as HTTP can tell;
 * - garbage: bytes that are no exposition at all;
 * - endless: a body that never ends, as fast as it is read;
 * - empty: 200 without a body;
 * - scrape-error: container_scrape_error 1 and no container rows;
 * - unlabelled: container rows that do not say whose they are;
 * - windows: no container rows, and nothing wrong.
 * The last three are for /metrics/cadvisor.
 */
export type KubeletFault =
  | 'none'
  | 'hang'
  | 'drip'
  | 'cut'
  | 'truncated'
  | 'garbage'
  | 'endless'
  | 'empty'
  | Exclude<RowShape, 'usual'>
  | number;

/** What a healthy kubelet would send. */
export interface Body {
  readonly headers: Readonly<Record<string, string>>;
  /** Before compression. */
  readonly bytes: Uint8Array;
  readonly compress: (bytes: Uint8Array) => Uint8Array;
}

/** Which rows there are; faults of the transport have the usual ones. */
export function rowShapeOf(fault: KubeletFault): RowShape {
  return fault === 'scrape-error' || fault === 'unlabelled' || fault === 'windows' ? fault : 'usual';
}

/** Answers, or does what the fault says. */
export function respondWith(fault: KubeletFault, response: ServerResponse, { headers, bytes, compress }: Body): void {
  if (typeof fault === 'number') {
    response.writeHead(fault, { 'content-type': 'text/plain; charset=utf-8' }).end(messages.get(fault) ?? 'fault');
    return;
  }
  switch (fault) {
    case 'hang':
      return;
    case 'drip':
      response.writeHead(200, headers);
      drip(response, compress(bytes));
      return;
    case 'cut': {
      const whole = compress(bytes);
      response.writeHead(200, { ...headers, 'content-length': whole.length });
      response.write(whole.subarray(0, whole.length >> 1), () => response.destroy());
      return;
    }
    case 'truncated':
      // Never at the end of a line or message: the last byte alone would be.
      response.writeHead(200, headers).end(compress(bytes.subarray(0, (bytes.length * 2) / 3)));
      return;
    case 'garbage':
      response.writeHead(200, headers).end(compress(garbage()));
      return;
    case 'endless':
      response.writeHead(200, { 'content-type': headers['content-type'] });
      flood(response);
      return;
    case 'empty':
      response.writeHead(200, headers).end(compress(new Uint8Array()));
      return;
    case 'none':
    case 'scrape-error':
    case 'unlabelled':
    case 'windows':
      response.writeHead(200, headers).end(compress(bytes));
  }
}

const messages: ReadonlyMap<number, string> = new Map([
  [401, 'Unauthorized'],
  [403, 'Forbidden (user=standin, verb=get, resource=nodes, subresource(s)=[metrics])'],
  [404, '404 page not found\n'],
  [500, 'Internal Error: failed to list pod stats: context deadline exceeded'],
]);

const dripIntervalMs = 20;

/** One byte now and then: always alive, never done. */
function drip(response: ServerResponse, bytes: Uint8Array): void {
  let sent = 0;
  const timer = setInterval(() => {
    response.write(bytes.subarray(sent, sent + 1));
    sent += 1;
    if (sent >= bytes.length) response.end();
  }, dripIntervalMs);
  response.on('close', () => clearInterval(timer));
}

/** Good lines without end, at the reader's pace. */
function flood(response: ServerResponse): void {
  const lines = Buffer.from(
    'container_tasks_state{container="",id="/",state="running"} 0 1795377592700\n'.repeat(1_000),
  );
  const send = () => {
    while (!response.destroyed && response.write(lines));
  };
  response.on('drain', send);
  send();
}

/** Every byte there is, in no useful order, and the same each time. */
function garbage(): Uint8Array {
  return Uint8Array.from({ length: 4_096 }, (_, index) => (index * 167 + (index >> 8)) & 0xff);
}
