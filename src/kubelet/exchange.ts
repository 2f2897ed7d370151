/** One request and its whole answer within their limits, over whichever connection leads to the kubelet. */
import { gunzipSync } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { userAgent } from '../version.ts';
import { type Attempt, BodyTooLargeError, KubeletError } from './failure.ts';

/** What is sent. */
export interface Question {
  /** With its query. */
  readonly path: string;
  readonly accept: string;
  /** Whether to ask for a compressed body. */
  readonly gzip: boolean;
  /** The Authorization header's value. */
  readonly authorization: string | undefined;
}

/** What came back, of any status. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  /** The node's clock when it answered, whole seconds, in milliseconds since the epoch; undefined without a Date header. */
  readonly dateMs: number | undefined;
  /** Uncompressed. */
  readonly body: Buffer;
  /** Bytes of the body on the wire. */
  readonly wireBytes: number;
}

/** 110 pods of two containers are 12 MB of text, leaked cgroups were seen to make it 128 MB; more than this is a mistake, not a metric. */
export const bodyLimitBytes = 64 * 1024 * 1024;

/** For both connections: no HTTP/2 and no pipelining, and all headers of a kubelet are a few hundred bytes. */
export const connectionLimits = { allowH2: false, pipelining: 1, maxHeaderSize: 64 * 1024 } as const;

/**
 * Runs what asks the kubelet, until the attempt's time is over or the signal aborts.
 * @throws KubeletError whatever it was that went wrong.
 */
export async function inTime<T>(
  attempt: Attempt,
  signal: AbortSignal,
  ask: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(attempt.timeoutMs)]);
  try {
    return await ask(limit);
  } catch (cause) {
    if (cause instanceof KubeletError) throw cause;
    throw new KubeletError(attempt, signal.aborted ? 'given up, the server stops' : 'no answer', { cause });
  }
}

/** @throws KubeletError when the body is too large or broken; whatever undici throws when it did not come. */
export async function exchange(
  connection: Dispatcher,
  { path, accept, gzip, authorization }: Question,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<Answer> {
  const { statusCode, headers, body } = await connection.request({
    method: 'GET',
    path,
    headers: {
      'user-agent': userAgent,
      accept,
      'accept-encoding': gzip ? 'gzip' : 'identity',
      ...(authorization === undefined ? {} : { authorization }),
    },
    signal,
  });
  const chunks: Buffer[] = [];
  let wireBytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    wireBytes += chunk.length;
    if (wireBytes > bodyLimitBytes) throw tooLarge(attempt);
    chunks.push(chunk);
  }
  const whole = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, wireBytes);
  return {
    status: statusCode,
    contentType: headerText(headers['content-type']),
    dateMs: parseDate(headerText(headers.date)),
    body: headerText(headers['content-encoding']) === 'gzip' ? inflate(whole, attempt) : whole,
    wireBytes,
  };
}

function inflate(body: Buffer, attempt: Attempt): Buffer {
  try {
    return gunzipSync(body, { maxOutputLength: bodyLimitBytes, chunkSize: inflateChunkBytes });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(attempt);
    throw new KubeletError(attempt, 'the compressed body is broken', { cause });
  }
}

/** Larger steps than zlib's 16 KB; bodies of a megabyte are usual. */
const inflateChunkBytes = 128 * 1024;

function tooLarge(attempt: Attempt): BodyTooLargeError {
  return new BodyTooLargeError(attempt, `the body is larger than ${bodyLimitBytes} bytes`);
}

function headerText(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

function parseDate(text: string): number | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
