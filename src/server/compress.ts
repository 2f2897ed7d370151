/** Compresses large responses by gzip. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { elementsOf } from './accept.ts';
import { isStreamed } from './streamedbody.ts';
import type { Reply, ShortReply } from './reply.ts';

/** As in k8s.io/apiserver; below, CPU time is worth more than bytes. */
const thresholdBytes = 128 * 1024;

/** @param acceptEncoding only the bare word counts, as in k8s.io/apiserver: `gzip;q=1` does not match. */
export async function compress(reply: Reply, acceptEncoding: string): Promise<Reply> {
  const { body } = reply;
  const isLong = isStreamed(body) && body.rest !== undefined;
  const known = isStreamed(body) ? body.first : body;
  if (!isLong && known.length <= thresholdBytes) return reply;
  if (!elementsOf(acceptEncoding).some((each) => each.trim() === 'gzip')) return reply;
  const headers = { ...reply.headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' };
  if (isLong) return { ...reply, headers, body: { ...body, gzip: true } };
  // Other levels compress 1.5 times better at most.
  const compressed = await gzipInBackground(known, { level: 1 });
  if (isStreamed(body)) body.release();
  return { ...reply, headers, body: compressed };
}

/** Compresses a reply of any length, without Vary, as Prometheus' Go library does at /metrics. */
export async function compressMetrics(reply: ShortReply, acceptEncoding: string): Promise<ShortReply> {
  if (!prefersGzip(acceptEncoding)) return reply;
  const headers = { ...reply.headers, 'content-encoding': 'gzip' };
  return { ...reply, headers, body: await gzipInBackground(reply.body, { level: 1 }) };
}

/**
 * Reports whether gzip is preferred to identity, as Prometheus' Go library: equal qualities mean identity; a malformed
 * element ends the list.
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

/** A coding, its quality, and the rest, in linear time: no repetition matches what the next one starts with. */
const codingPattern = /^[ \t]*([!#$%&'*+\-.^_`|~\w/]+)[ \t]*(?:;[ \t]*q=([01](?:\.[0-9]*)?)[ \t]*)?(.*)$/s;

/** Runs on libuv's thread pool. */
const gzipInBackground = promisify(gzip);
