/** The watches of the fake API server: a line of JSON or a frame of protobuf per event, bookmarks, and the ways in which a watch ends. */
import type { ServerResponse } from 'node:http';
import type { Kind, KubeObject } from './kubeobjects.ts';
import { encodeEvent, protobufType } from './kubeprotobuf.ts';
import type { Filter, HistoryEvent, ObjectStore } from './objectstore.ts';

export interface WatchRequest {
  readonly kind: Kind;
  readonly filter: Filter;
  readonly query: URLSearchParams;
  /** Returns the part of an object that the client wants: all of it, or its metadata. */
  readonly shape: (object: KubeObject) => object;
  readonly protobuf: boolean;
}

export interface Watches {
  /** Answers a watch and keeps it open. */
  open(request: WatchRequest, response: ServerResponse): void;
  count(): number;
  /** On how many connections they are. */
  connections(): number;
  /** Sends all watches a bookmark of the current version, as happens every bookmarkMs anyway. */
  bookmark(): void;
  /** Ends all in good order. */
  end(): void;
  /** Breaks the connections of all. */
  cut(): void;
  /** Ends all with the event ERROR 410. */
  expire(): void;
  /** While true, watches are accepted and then nothing at all is sent, as from a peer that is gone. */
  silent: boolean;
}

interface Watch {
  readonly request: WatchRequest;
  readonly response: ServerResponse;
}

export function createWatches(objects: ObjectStore, bookmarkMs: number): Watches {
  const watches = new Set<Watch>();
  const state: Watches = { open, count: () => watches.size, connections, bookmark, end, cut, expire, silent: false };
  return state;

  function open(request: WatchRequest, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': request.protobuf ? `${protobufType};stream=watch` : 'application/json' });
    response.flushHeaders();
    const watch = { request, response };
    const unset = request.query.get('resourceVersion') === '';
    const from = unset ? objects.version() : Number(request.query.get('resourceVersion') ?? objects.version());
    const missed = objects.since(request.kind, from);
    if (missed === undefined) {
      send(watch, 'ERROR', gone);
      response.end();
      return;
    }
    // kube-apiserver begins with what exists.
    for (const object of unset ? objects.list(request.kind) : []) {
      if (request.filter(object)) send(watch, 'ADDED', request.shape(object));
    }
    for (const event of missed) sendChange(watch, event);
    const unsubscribe = objects.subscribe((event) => {
      if (event.after.kind === request.kind) sendChange(watch, event);
    });
    const bookmarks = setInterval(() => sendBookmark(watch), bookmarkMs);
    const seconds = Number(request.query.get('timeoutSeconds') ?? 0);
    const timeout = seconds > 0 ? setTimeout(() => response.end(), seconds * 1000) : undefined;
    watches.add(watch);
    response.once('close', () => {
      watches.delete(watch);
      unsubscribe();
      clearInterval(bookmarks);
      clearTimeout(timeout);
    });
  }

  /** Sends a change as this watch sees it: an object that begins or ceases to match its selector is added or deleted. */
  function sendChange(watch: Watch, { before, after, deleted }: HistoryEvent): void {
    const was = before !== undefined && watch.request.filter(before);
    const is = !deleted && watch.request.filter(after);
    if (!was && !is) return;
    send(watch, is ? (was ? 'MODIFIED' : 'ADDED') : 'DELETED', watch.request.shape(after));
  }

  function send({ request, response }: Watch, type: string, object: object): void {
    // A watch that was ended stays until its connection knows.
    if (state.silent || response.writableEnded) return;
    response.write(request.protobuf ? encodeEvent(type, object) : `${JSON.stringify({ type, object })}\n`);
  }

  function sendBookmark(watch: Watch): void {
    if (watch.request.query.get('allowWatchBookmarks') !== 'true') return;
    const metadata = { name: '', resourceVersion: String(objects.version()) };
    send(watch, 'BOOKMARK', watch.request.shape({ kind: watch.request.kind, apiVersion: 'v1', metadata }));
  }

  function connections(): number {
    return new Set([...watches].map(({ response }) => response.socket)).size;
  }

  function bookmark(): void {
    for (const watch of watches) sendBookmark(watch);
  }

  function end(): void {
    for (const { response } of watches) response.end();
  }

  function cut(): void {
    for (const { response } of watches) response.socket?.destroy();
  }

  function expire(): void {
    for (const watch of watches) {
      send(watch, 'ERROR', gone);
      watch.response.end();
    }
  }
}

/** The error of kube-apiserver for a version that it no longer has. */
export const gone = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: 'The resourceVersion for the provided watch is too old.',
  reason: 'Expired',
  code: 410,
};
