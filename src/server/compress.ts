/** Compresses large answers for clients that say they can read them. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { elementsOf } from './accept.ts';
import { isMade } from './streamedbody.ts';
import type { Reply, ShortReply } from './reply.ts';

/** As in Kubernetes: below, the time it takes is worth more than the bytes. */
const thresholdBytes = 128 * 1024;

/** @param acceptEncoding the header; only the bare word counts, also for Kubernetes: `gzip;q=1` is none. */
export async function compress(reply: Reply, acceptEncoding: string): Promise<Reply> {
  const { body } = reply;
  const isLong = isMade(body) && body.rest !== undefined;
  const known = isMade(body) ? body.first : body;
  if (!isLong && known.length <= thresholdBytes) return reply;
  if (!elementsOf(acceptEncoding).some((each) => each.trim() === 'gzip')) return reply;
  const headers = { ...reply.headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' };
  if (isLong) return { ...reply, headers, body: { ...body, gzip: true } };
  // The fastest level: the others are 1.5 times better at most.
  const compressed = await gzipInBackground(known, { level: 1 });
  if (isMade(body)) body.giveBack();
  return { ...reply, headers, body: compressed };
}

/** Compresses a reply of any length, as Prometheus' Go library does at /metrics; it sends no Vary either. */
export async function compressMetrics(reply: ShortReply, acceptEncoding: string): Promise<ShortReply> {
  if (!prefersGzip(acceptEncoding)) return reply;
  const headers = { ...reply.headers, 'content-encoding': 'gzip' };
  return { ...reply, headers, body: await gzipInBackground(reply.body, { level: 1 }) };
}

/**
 * Reports whether gzip has a higher quality than identity and what the star stands for, by the rules of Prometheus' Go library: equal qualities mean
 * identity, and what follows the first malformed element is ignored.
 */
export function prefersGzip(acceptEncoding: string): boolean {
  let identity = -1;
  let gzip = -1;
  for (const element of elementsOf(acceptEncoding)) {
    const [, coding, quality = '1', rest] = codingPattern.exec(element) ?? [];
    if (coding === undefined || rest?.startsWith(';') === true) break;
    const q = Number(quality);
    if (coding === 'identity' || coding === '*') identity = Math.max(identity, q);
    if (coding === 'gzip' || coding === '*') gzip = Math.max(gzip, q);
    if (rest !== undefined && rest !== '') break;
  }
  return gzip > identity && gzip > 0;
}

/** A coding with its quality, and what is wrong with the end. Linear: no repetition can match what the next one starts with. */
const codingPattern = /^[ \t]*([!#$%&'*+\-.^_`|~\w/]+)[ \t]*(?:;[ \t]*q=([01](?:\.[0-9]*)?)[ \t]*)?(.*)$/s;

/** Off the main thread. */
const gzipInBackground = promisify(gzip);
