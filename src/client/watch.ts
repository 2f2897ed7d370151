/** Reads one watch, as lines of JSON or frames of protobuf. */
import { fromStatus, type ProtobufForm } from './response.ts';
import { createFrameSplitter } from './frames.ts';
import { field, text } from './json.ts';
import { watchEvent } from './kubernetesmessages.ts';
import { protobufType } from './protobufreader.ts';
import type { RestClient, Streamed } from './rest.ts';

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: unknown; readonly resourceVersion: string }
  /** Nothing changed up to this version. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string }
  /** The resourceVersion has expired: list again. */
  | { readonly type: 'GONE' };

export interface WatchOptions {
  readonly query: Readonly<Record<string, string>>;
  readonly accept: string;
  readonly protobuf?: ProtobufForm | undefined;
  readonly resourceVersion: string;
  readonly timeoutSeconds: number;
  readonly silenceMs?: number;
  readonly signal: AbortSignal;
}

/**
 * Nothing came, not even a bookmark: the peer is dead, or a restore of etcd has taken versions back (kube-apiserver sends
 * only what is newer than the version asked for; apiserver/pkg/storage/cacher/cache_watcher.go, process).
 */
export class SilentWatchError extends Error {
  override readonly name = 'SilentWatchError';
}

/** Seconds; up to twice as long with jitter, as client-go's. */
const shortestWatchSeconds = 300;

/**
 * Returns a timeout of five to ten minutes, so that not all watches of a cluster reopen together.
 * @param random from 0 to below 1.
 */
export function watchTimeoutSeconds(random: number): number {
  return Math.round(shortestWatchSeconds * (1 + random));
}

/** Bookmarks arrive about every minute: after two and a half the peer is dead. */
export const silenceLimitMs = 150_000;
/** etcd stores objects of up to 1.5 MB by default. */
const eventLimitBytes = 8 * 1024 * 1024;

/** Resolves when the server accepts the watch. The events throw when it breaks. */
export async function openWatch(
  rest: RestClient,
  path: string,
  options: WatchOptions,
): Promise<AsyncGenerator<WatchEvent>> {
  const stream = await rest.stream(path, {
    query: {
      ...options.query,
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: options.resourceVersion,
      timeoutSeconds: String(options.timeoutSeconds),
    },
    accept: options.accept,
    signal: options.signal,
  });
  return events(stream, options, `watch of ${path}`);
}

async function* events(
  { contentType, body }: Streamed,
  { protobuf, silenceMs = silenceLimitMs }: Pick<WatchOptions, 'protobuf' | 'silenceMs'>,
  request: string,
): AsyncGenerator<WatchEvent> {
  const framed = protobuf !== undefined && contentType.startsWith(protobufType);
  const split = framed ? createFrameSplitter(eventLimitBytes) : createLineSplitter(eventLimitBytes);
  const decode = framed ? (frame: Buffer) => decodeFrame(frame, protobuf) : decodeLine;
  const silence = setTimeout(
    () => body.destroy(new SilentWatchError(`${request}: silent for ${silenceMs} ms`)),
    silenceMs,
  );
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      silence.refresh();
      for (const part of split(chunk)) {
        if (part.length > 0) yield toEvent(part, decode, request);
      }
    }
  } finally {
    clearTimeout(silence);
  }
}

/** Splits bytes, as a chunk may end within a character, and keeps an incomplete line. */
export function createLineSplitter(limitBytes: number): (chunk: Buffer) => readonly Buffer[] {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  return (chunk) => {
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      pending.push(chunk.subarray(start, end));
      lines.push(pending.length === 1 ? chunk.subarray(start, end) : Buffer.concat(pending));
      pending = [];
      pendingBytes = 0;
      start = end + 1;
    }
    if (start === chunk.length) return lines;
    pendingBytes += chunk.length - start;
    if (pendingBytes > limitBytes) throw new Error(`a line of the watch is longer than ${limitBytes} bytes`);
    pending.push(chunk.subarray(start));
    return lines;
  };
}

const newline = 0x0a;

function toEvent(part: Buffer, decode: (part: Buffer) => unknown, request: string): WatchEvent {
  const event = decoded(part, decode);
  const object = field(event, 'object');
  const type = field(event, 'type');
  if (type === 'ERROR') {
    if (field(object, 'code') === 410) return { type: 'GONE' };
    throw fromStatus(request, object);
  }
  const resourceVersion = text(field(field(object, 'metadata'), 'resourceVersion'));
  if (resourceVersion === undefined || resourceVersion === '') throw malformed(part);
  if (type === 'BOOKMARK') return { type, resourceVersion };
  if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') return { type, object, resourceVersion };
  throw malformed(part);
}

function decoded(part: Buffer, decode: (part: Buffer) => unknown): unknown {
  try {
    return decode(part);
  } catch (cause) {
    throw malformed(part, cause);
  }
}

function decodeLine(line: Buffer): unknown {
  return JSON.parse(line.toString('utf8'));
}

function decodeFrame(frame: Buffer, { decoder, message }: ProtobufForm): unknown {
  const event = decoder.message(frame, watchEvent);
  const raw = field(field(event, 'object'), 'raw');
  return { type: event['type'], object: Buffer.isBuffer(raw) ? decoder.object(raw, message) : undefined };
}

/** Events may have been missed. */
export class MalformedEventError extends Error {}

function malformed(part: Buffer, cause?: unknown): MalformedEventError {
  return new MalformedEventError(`what the watch sent is not an event: ${part.toString('utf8', 0, 200)}`, { cause });
}
