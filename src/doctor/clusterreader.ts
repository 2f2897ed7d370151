/** Reads from kube-apiserver for checks, within limits. It sends GETs and reviews of rights; nothing that writes. */
import { untilAborted } from '../abort.ts';
import { StatusError } from '../apimachinery/status.ts';
import { type AccessAttributes, isAllowed } from '../client/accessreview.ts';
import { field, items, text } from '../client/json.ts';
import { listPages } from '../client/listpages.ts';
import { createRestClient, type RequestOptions, type RestClient } from '../client/rest.ts';
import { readBody } from '../client/response.ts';
import type { ApiServer } from '../client/apiserver.ts';
import { createServerClock } from '../client/serverclock.ts';
import type { ServiceAccount } from '../client/tokenrequest.ts';
import type { Clock } from '../clock.ts';
import { foreignText } from '../foreigntext.ts';
import { describeError } from '../logging.ts';
import { KeptBytes } from './keptbytes.ts';
import { UncheckedError } from './uncheckederror.ts';

export type Query = Readonly<Record<string, string>>;

export interface ReadListOptions {
  readonly query?: Query;
  /** Only names, labels and annotations: a tenth of the bytes. */
  readonly metadataOnly?: boolean;
}

export interface TextAnswer {
  /** The HTTP status: of the target behind a proxy path, or kube-apiserver's own. */
  readonly status: number;
  readonly text: string;
  /** From the details of a Status. */
  readonly causes: readonly AnswerCause[];
}

export interface AnswerCause {
  readonly reason: string;
  readonly message: string;
}

export interface ClusterReader {
  /** Returns undefined for a 404. Equal requests are sent once a run. @throws UncheckedError. */
  get(path: string, query?: Query): Promise<unknown>;
  /** Returns the items of all pages; undefined for a 404. Equal requests are sent once a run. @throws UncheckedError. */
  list(path: string, options?: ReadListOptions): Promise<readonly unknown[] | undefined>;
  /**
   * Yields the pages of a list, of which nothing is kept; none for a 404. The caller ends it where the list may be too long.
   * @param pageSize objects per page. @throws UncheckedError.
   */
  pages(path: string, pageSize: number): AsyncIterable<unknown>;
  /** Returns any status with its text, such as through `/api/v1/nodes/<name>/proxy/`. @throws UncheckedError without an answer. */
  text(path: string, query?: Query): Promise<TextAnswer>;
  /**
   * Reports whether an account has a right; without one, whether we have it.
   * @throws UncheckedError if reviews are denied, or an authorizer could not decide.
   */
  may(attributes: AccessAttributes, account?: ServiceAccount): Promise<boolean>;
  /** Milliseconds since the epoch, by kube-apiserver's clock. */
  nowMs(): number;
}

/** In bytes: a page of 100 pods with long environments is 2 MB. */
const pageLimitBytes = 16 * 1024 * 1024;
/** Objects per page. */
const pageItems = 500;
/** 200,000 objects: Kubernetes is tested with 150,000 pods. */
const pageLimit = 400;
const tooLong = `the list is longer than ${pageLimit * pageItems} objects, and was not read to its end`;
/** In bytes, of a text through a proxy: a kubelet with 500 containers writes 3 MB of metrics. */
const textLimitBytes = 16 * 1024 * 1024;
/** Milliseconds for one request. */
const requestTimeoutMs = 15_000;
/** Connections of all checks together: a cluster that is in trouble must not suffer from its doctor. */
const connections = 8;

export interface OpenReader extends ClusterReader, AsyncDisposable {
  /** @throws Error if kube-apiserver cannot be asked at all: no connection, or it rejects our credentials. */
  probe(): Promise<void>;
}

export interface ClusterReaderOptions {
  readonly server: ApiServer;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** In bytes of JSON; see `keptLimitBytes`. */
  readonly keptLimit: number;
}

export function openClusterReader({ server, clock, signal, keptLimit }: ClusterReaderOptions): OpenReader {
  const kept = new KeptBytes(keptLimit);
  const serverClock = createServerClock(clock);
  const rest = createRestClient(server, {
    connections,
    onRequest: (_method, _host, _code, date) => serverClock.onDate(date),
  });
  const sent = new Map<string, Promise<unknown>>();
  return {
    probe: () => probe(rest, signal),
    get: (path, query = {}) => once(`get ${path} ${JSON.stringify(query)}`, () => getKept(path, query)),
    list: (path, options = {}) => once(`list ${path} ${JSON.stringify(options)}`, () => getList(path, options)),
    pages: (path, pageSize) => getPages(path, pageSize),
    text: (path, query = {}) => getText(rest, path, query, signal),
    may: (attributes, account) =>
      once(`may ${JSON.stringify([attributes, account])}`, () => review(rest, attributes, account, signal)),
    nowMs: () => clock.wallMs() + serverClock.aheadMs(),
    [Symbol.asyncDispose]: () => rest[Symbol.asyncDispose](),
  };

  function once<T>(key: string, send: () => Promise<T>): Promise<T> {
    const pending = (sent.get(key) as Promise<T> | undefined) ?? send();
    sent.set(key, pending);
    return pending;
  }

  async function getKept(path: string, query: Query): Promise<unknown> {
    const object = await getObject(path, { query });
    kept.take(path, object);
    return object;
  }

  async function getObject(path: string, options: RequestOptions): Promise<unknown> {
    try {
      return await rest.get(path, { timeoutMs: requestTimeoutMs, limitBytes: pageLimitBytes, signal, ...options });
    } catch (error) {
      if (error instanceof StatusError && error.code === 404) return undefined;
      throw unchecked(path, error);
    }
  }

  async function getList(
    path: string,
    { query = {}, metadataOnly = false }: ReadListOptions,
  ): Promise<readonly unknown[] | undefined> {
    const all: unknown[] = [];
    let bytes = 0;
    let pages = 0;
    const accept = metadataOnly ? { accept: metadataType } : {};
    try {
      for await (const page of getPages(path, pageItems, { query, ...accept })) {
        pages += 1;
        if (pages > pageLimit) throw new UncheckedError(path, tooLong);
        const objects = items(field(page, 'items')).map(lightened);
        bytes += kept.take(path, objects);
        all.push(...objects);
      }
      return pages === 0 ? undefined : all;
    } catch (error) {
      // The other lists go on.
      kept.release(bytes);
      throw error;
    }
  }

  async function* getPages(
    path: string,
    pageSize: number,
    { query = {}, ...options }: Pick<RequestOptions, 'query' | 'accept'> = {},
  ): AsyncGenerator<unknown, void> {
    for await (const page of listPages(
      (paging) => getObject(path, { ...options, query: { ...query, ...paging } }),
      pageSize,
    )) {
      if (page !== undefined) yield page;
    }
  }
}

async function getText(rest: RestClient, path: string, query: Query, signal: AbortSignal): Promise<TextAnswer> {
  try {
    const { body } = await rest.stream(path, { query, accept: '*/*', timeoutMs: requestTimeoutMs, signal });
    const late = AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]);
    try {
      return {
        status: 200,
        text: (await untilAborted(readBody(body, textLimitBytes), late)).toString('utf8'),
        causes: [],
      };
    } finally {
      body.destroy();
    }
  } catch (error) {
    if (error instanceof StatusError) return { status: error.code, text: error.message, causes: causesOf(error) };
    throw unchecked(path, error);
  }
}

async function probe(rest: RestClient, signal: AbortSignal): Promise<void> {
  try {
    await rest.get('/version', { timeoutMs: requestTimeoutMs, signal });
  } catch (error) {
    // A hardened cluster shows its version to some users only.
    if (!(error instanceof StatusError && error.code === 403)) throw error;
  }
}

/** Removes what no check reads, and what is most of a Node and of a pod: lists are kept until the end of the run. */
function lightened(object: unknown): unknown {
  drop(field(object, 'metadata'), 'managedFields');
  drop(field(object, 'status'), 'images');
  const spec = field(object, 'spec');
  for (const holder of [spec, field(field(spec, 'template'), 'spec')]) {
    drop(holder, 'volumes');
    for (const container of [...items(field(holder, 'containers')), ...items(field(holder, 'initContainers'))]) {
      drop(container, 'env');
      drop(container, 'volumeMounts');
    }
  }
  return object;
}

function drop(object: unknown, key: string): void {
  if (typeof object === 'object' && object !== null) Reflect.deleteProperty(object, key);
}

function causesOf({ details }: StatusError): readonly AnswerCause[] {
  return items(field(details, 'causes')).map((cause) => ({
    reason: foreignText(text(field(cause, 'reason')) ?? ''),
    message: foreignText(text(field(cause, 'message')) ?? ''),
  }));
}

const metadataType = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

async function review(
  rest: RestClient,
  attributes: AccessAttributes,
  account: ServiceAccount | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return await isAllowed(rest, attributes, { account, timeoutMs: requestTimeoutMs, signal });
  } catch (error) {
    throw unchecked(
      account === undefined ? 'our rights' : `rights of ServiceAccount ${account.namespace}/${account.name}`,
      error,
    );
  }
}

/** Says what could not be read and why: rights, credentials, an overloaded or silent server. */
function unchecked(path: string, cause: unknown): UncheckedError {
  if (!(cause instanceof StatusError)) {
    return new UncheckedError(path, `kube-apiserver gives no usable answer: ${foreignText(describeError(cause))}`, {
      cause,
    });
  }
  if (cause.code === 403) {
    const remedy = "kubegauge doctor --kubeconfig=admin.conf   # an administrator's";
    return new UncheckedError(path, `our user may not read it: ${foreignText(cause.message)}`, { cause, remedy });
  }
  if (cause.code === 401) {
    return new UncheckedError(path, 'kube-apiserver rejects our credentials (401)', { cause });
  }
  return new UncheckedError(path, `kube-apiserver answers ${cause.code}: ${foreignText(cause.message)}`, { cause });
}
