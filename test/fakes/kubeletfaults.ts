/** The ways in which a kubelet's answer can be wrong. */
import type { ServerResponse } from 'node:http';
import { textContentType } from './exposition.ts';
import type { RowShape } from './kubeletrows.ts';

/**
 * A status code instead of 200, or:
 * - hang: the request is never answered;
 * - drip: a whole answer that takes for ever;
 * - cut: the connection breaks in the middle of the body;
 * - truncated: the body ends early, and properly by HTTP's rules;
 * - cut-number: the body ends early, in the middle of a CPU counter; as text it looks like a smaller one;
 * - garbage: bytes that are no exposition at all;
 * - huge: 200 MB of good lines that were not requested;
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
  | 'cut-number'
  | 'garbage'
  | 'huge'
  | 'endless'
  | 'empty'
  | Exclude<RowShape, 'usual'>
  | number;

/** Response of a healthy kubelet. */
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
    case 'cut-number':
      response.writeHead(200, headers).end(compress(cutInNumber(bytes, headers['content-type'] ?? '')));
      return;
    case 'garbage':
      response.writeHead(200, headers).end(compress(garbage()));
      return;
    case 'huge':
      response.writeHead(200, { 'content-type': textContentType });
      flood(response, hugeBytes);
      return;
    case 'endless':
      response.writeHead(200, { 'content-type': headers['content-type'] });
      flood(response, Number.POSITIVE_INFINITY);
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

/** As much as leaked cgroups can make of it, and more than anybody should read. */
const hugeBytes = 200e6;

/** Good lines, at the reader's pace. */
function flood(response: ServerResponse, totalBytes: number): void {
  const lines = Buffer.from(
    'container_tasks_state{container="",id="/",state="running"} 0 1795377592700\n'.repeat(1_000),
  );
  let sentBytes = 0;
  const send = () => {
    while (!response.destroyed && sentBytes < totalBytes) {
      sentBytes += lines.length;
      if (!response.write(lines)) return;
    }
    response.end();
  };
  response.on('drain', send);
  send();
}

/** Text: CPU counters come last, as nothing forbids, and of the last one half of the digits are there. Protobuf: the last message lacks its end. */
function cutInNumber(bytes: Uint8Array, contentType: string): Uint8Array {
  if (!contentType.startsWith('text/plain')) return bytes.subarray(0, -12);
  const families = Buffer.from(bytes)
    .toString()
    .split(/^(?=# HELP )/m);
  const isCpu = (family: string) => family.startsWith('# HELP container_cpu_usage_seconds_total ');
  const text = [...families.filter((family) => !isCpu(family)), ...families.filter(isCpu)].join('');
  const digitsAt = text.lastIndexOf('} ') + '} '.length;
  const digits = text.slice(digitsAt).split(' ')[0] ?? '';
  return Buffer.from(text.slice(0, digitsAt + Math.ceil(digits.length / 2)));
}

/** Every byte there is, in no useful order, and the same each time. */
function garbage(): Uint8Array {
  return Uint8Array.from({ length: 4_096 }, (_, index) => (index * 167 + (index >> 8)) & 0xff);
}
