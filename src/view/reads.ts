/** Sends the GETs of a view, within limits. Nothing that writes. */
import type { StatusCause } from '../apimachinery/meta.ts';
import { StatusError } from '../apimachinery/status.ts';
import type { ApiServer } from '../client/apiserver.ts';
import { field, items } from '../client/json.ts';
import { LargeBodies } from '../client/largebodies.ts';
import { listPages } from '../client/listpages.ts';
import { createRestClient } from '../client/rest.ts';
import { createServerClock } from '../client/serverclock.ts';
import type { Clock } from '../clock.ts';
import { toViewError, ViewError } from './viewerror.ts';

export type ReadQuery = Readonly<Record<string, string>>;

export interface Reads extends AsyncDisposable {
  /** @param what see toViewError. @throws ViewError. */
  get(what: string, path: string, query?: ReadQuery): Promise<unknown>;
  /** Returns undefined for a 404. @param limitBytes of the answer. @throws ViewError. */
  find(what: string, path: string, query?: ReadQuery, limitBytes?: number): Promise<unknown>;
  /** Yields the objects of each page. @throws ViewError, also for a list beyond `pageLimit` or `listTimeoutMs`. */
  pages(what: string, path: string, pageSize: number, query?: ReadQuery): AsyncIterable<readonly unknown[]>;
  /** Returns the causes in the Status of a GET that fails; none if it succeeds, or for other failures. */
  causes(path: string): Promise<readonly StatusCause[]>;
  /** Returns the Status that a GET fails with; undefined if it succeeds. @throws ViewError without an answer. */
  refusal(what: string, path: string, query: ReadQuery): Promise<StatusError | undefined>;
  /** kube-apiserver's time, in milliseconds since the epoch; exact to a second or two. */
  nowMs(): number;
}

/** Milliseconds for one request. */
const requestTimeoutMs = 15_000;
/** In bytes. A page of 500 pods is 5 MB; metrics-server answers all pods of a cluster at once, 10,000 of them with 5 MB. */
const answerLimitBytes = 64 * 1024 * 1024;
const connections = 8;
/** Bytes up to which bodies are read at the same time. Larger ones take turns: parsed, one of 64 MiB takes 400 MB. */
const largeBodyBytes = 8 * 1024 * 1024;
/** Of one list: 200,000 pods or usages, 40,000 nodes. A server could always name a next page. */
export const pageLimit = 400;
/** Milliseconds for all pages of a list: 400 of them take a busy kube-apiserver half as long. */
export const listTimeoutMs = 300_000;

export function createReads(server: ApiServer, clock: Clock): Reads {
  const serverClock = createServerClock(clock);
  const largeBodies = new LargeBodies(largeBodyBytes);
  const rest = createRestClient(server, {
    connections,
    onRequest: (_method, _host, _code, date) => serverClock.onDate(date),
  });
  const send = (path: string, query: ReadQuery = {}, limitBytes = answerLimitBytes) =>
    rest.get(path, { query, timeoutMs: requestTimeoutMs, limitBytes, largeBodies });
  return {
    get,
    async find(what, path, query, limitBytes) {
      try {
        return await send(path, query, limitBytes);
      } catch (error) {
        if (error instanceof StatusError && error.code === 404) return undefined;
        throw toViewError(what, error);
      }
    },
    async *pages(what, path, pageSize, query = {}) {
      const endMs = clock.monotonicMs() + listTimeoutMs;
      let pages = 0;
      const read = (paging: ReadQuery) => {
        if (pages === pageLimit) throw tooLong(what, `has more than ${pageLimit} pages`);
        if (clock.monotonicMs() >= endMs) throw tooLong(what, `takes longer than ${listTimeoutMs / 1000} s`);
        pages += 1;
        return get(what, path, { ...query, ...paging });
      };
      for await (const page of listPages(read, pageSize)) yield items(field(page, 'items'));
    },
    async causes(path) {
      try {
        await send(path);
        return [];
      } catch (error) {
        return (error instanceof StatusError && error.details?.causes) || [];
      }
    },
    async refusal(what, path, query) {
      try {
        await send(path, query);
        return undefined;
      } catch (error) {
        if (error instanceof StatusError) return error;
        throw toViewError(what, error);
      }
    },
    nowMs: () => clock.wallMs() + serverClock.aheadMs(),
    [Symbol.asyncDispose]: () => rest[Symbol.asyncDispose](),
  };

  async function get(what: string, path: string, query?: ReadQuery): Promise<unknown> {
    try {
      return await send(path, query);
    } catch (error) {
      throw toViewError(what, error);
    }
  }
}

function tooLong(what: string, why: string): ViewError {
  return new ViewError(`cannot ${what}: the list ${why}`, undefined);
}
