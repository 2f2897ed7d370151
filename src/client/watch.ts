/** One watch: a stream of lines, each a change of one object, until the server ends it. */
import type { Readable } from 'node:stream';
import { fromStatus } from './answer.ts';
import { field, text } from './json.ts';
import type { RestClient } from './rest.ts';

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: unknown; readonly resourceVersion: string }
  /** Nothing changed up to this version. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string }
  /** The server has forgotten the version that we wanted to go on from: list anew. */
  | { readonly type: 'GONE' };

export interface WatchOptions {
  readonly query: Readonly<Record<string, string>>;
  readonly accept: string;
  readonly resourceVersion: string;
  /** When the server shall end the watch, so that load spreads over API servers again. */
  readonly timeoutSeconds: number;
  readonly silenceMs?: number;
  readonly signal: AbortSignal;
}

/** Bookmarks come about every minute; after two and a half the peer is dead, although no packet has told us. */
export const silenceLimitMs = 150_000;
/** etcd stores objects of up to 1.5 MB by default; a line beyond this is no Kubernetes object. */
const lineLimitBytes = 8 * 1024 * 1024;

/** Resolves when the server has agreed to the watch; the events end when the server ends it, and throw when it breaks. */
export async function openWatch(
  rest: RestClient,
  path: string,
  options: WatchOptions,
): Promise<AsyncGenerator<WatchEvent>> {
  const body = await rest.stream(path, {
    query: {
      ...options.query,
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: options.resourceVersion,
      timeoutSeconds: String(options.timeoutSeconds),
    },
    accept: options.accept,
    silenceMs: options.silenceMs ?? silenceLimitMs,
    signal: options.signal,
  });
  return events(body, `watch of ${path}`);
}

async function* events(body: Readable, request: string): AsyncGenerator<WatchEvent> {
  const split = createLineSplitter(lineLimitBytes);
  for await (const chunk of body as AsyncIterable<Buffer>) {
    for (const line of split(chunk)) {
      if (line.length > 0) yield parseEvent(line, request);
    }
  }
}

/**
 * Cuts chunks into lines without their newline; what follows the last newline is kept for the next chunk.
 * Works on bytes, as a chunk may end within a character.
 */
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

function parseEvent(line: Buffer, request: string): WatchEvent {
  const event = decodeLine(line);
  const object = field(event, 'object');
  const type = field(event, 'type');
  if (type === 'ERROR') {
    if (field(object, 'code') === 410) return { type: 'GONE' };
    throw fromStatus(request, object);
  }
  const resourceVersion = text(field(field(object, 'metadata'), 'resourceVersion'));
  if (resourceVersion === undefined || resourceVersion === '') throw malformed(line);
  if (type === 'BOOKMARK') return { type, resourceVersion };
  if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') return { type, object, resourceVersion };
  throw malformed(line);
}

function decodeLine(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'));
  } catch (cause) {
    throw malformed(line, cause);
  }
}

/** What the server sent is no watch of Kubernetes; nobody knows what was missed. */
export class MalformedEventError extends Error {}

function malformed(line: Buffer, cause?: unknown): MalformedEventError {
  return new MalformedEventError(`a line of the watch is not an event: ${line.toString('utf8', 0, 200)}`, { cause });
}
