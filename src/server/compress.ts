/** Compresses large answers for clients that say they can read them. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { isMade } from './madebody.ts';
import type { Reply } from './reply.ts';

/** As in Kubernetes: below, the time it takes is worth more than the bytes. */
const thresholdBytes = 128 * 1024;

/** @param acceptEncoding the header; only the bare word counts, also for Kubernetes: `gzip;q=1` is none. */
export async function compress(reply: Reply, acceptEncoding: string): Promise<Reply> {
  const { body } = reply;
  const isLong = isMade(body) && body.rest !== undefined;
  const known = isMade(body) ? body.first : body;
  if (!isLong && known.length <= thresholdBytes) return reply;
  if (!acceptEncoding.split(',').some((each) => each.trim() === 'gzip')) return reply;
  const headers = { ...reply.headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' };
  if (isLong) return { ...reply, headers, body: { ...body, gzip: true } };
  // The fastest level: the others are 1.5 times better at most.
  const compressed = await gzipInBackground(known, { level: 1 });
  if (isMade(body)) body.giveBack();
  return { ...reply, headers, body: compressed };
}

/** Off the main thread. */
const gzipInBackground = promisify(gzip);
