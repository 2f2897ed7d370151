/** Compresses large answers for clients that say they can read them. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Reply } from './reply.ts';

/** As in Kubernetes: below, the time it takes is worth more than the bytes. */
const thresholdBytes = 128 * 1024;

/** @param acceptEncoding the header; only the bare word counts, also for Kubernetes: `gzip;q=1` is none. */
export async function compress(reply: Reply, acceptEncoding: string): Promise<Reply> {
  if (reply.body.length <= thresholdBytes || !acceptEncoding.split(',').some((each) => each.trim() === 'gzip'))
    return reply;
  // The fastest level: the others are 1.5 times better at most.
  const body = await gzipInBackground(reply.body, { level: 1 });
  return { ...reply, headers: { ...reply.headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' }, body };
}

/** Off the main thread. */
const gzipInBackground = promisify(gzip);
