/** Reads from kube-apiserver for checks, within limits. It sends GETs and reviews of rights; nothing that writes. */
import { untilAborted } from '../abort.ts';
import { StatusError } from '../apimachinery/status.ts';
import { field, items, text } from '../client/json.ts';
import { createRestClient, type RequestOptions, type RestClient } from '../client/rest.ts';
import { readBody } from '../client/response.ts';
import type { ApiServer } from '../client/apiserver.ts';
import { createServerClock } from '../client/serverclock.ts';
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

/** As in a SubjectAccessReview; absent members are empty. */
export interface AccessAttributes {
  readonly verb: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly name?: string;
  readonly namespace?: string;
  /** Instead of a resource. */
  readonly nonResourcePath?: string;
}

export interface Account {
  readonly namespace: string;
  readonly name: string;
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
  /** Returns any status with its text, such as through `/api/v1/nodes/<name>/proxy/`. @throws UncheckedError without an answer. */
  text(path: string, query?: Query): Promise<TextAnswer>;
  /**
   * Reports whether an account has a right; without one, whether we have it.
   * @throws UncheckedError if reviews are denied.
   */
  may(attributes: AccessAttributes, account?: Account): Promise<boolean>;
  /** Milliseconds since the epoch, by kube-apiserver's clock. */
  nowMs(): number;
}

/** In bytes: a page of 100 pods with long environments is 2 MB. */
const pageLimitBytes = 16 * 1024 * 1024;
/** Objects per page. */
const pageItems = 500;
/** 200,000 objects: Kubernetes is tested with 150,000 pods. */
const pageLimit = 400;
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
    { query, metadataOnly = false }: ReadListOptions,
  ): Promise<readonly unknown[] | undefined> {
    const all: unknown[] = [];
    let bytes = 0;
    try {
      let next = '';
      for (let pages = 0; pages < pageLimit; pages += 1) {
        const page = await getObject(path, {
          query: { limit: String(pageItems), ...query, ...(next === '' ? {} : { continue: next }) },
          ...(metadataOnly ? { accept: metadataType } : {}),
        });
        if (page === undefined) return undefined;
        const objects = items(field(page, 'items')).map(lightened);
        bytes += kept.take(path, objects);
        all.push(...objects);
        next = text(field(field(page, 'metadata'), 'continue')) ?? '';
        if (next === '') return all;
      }
    } catch (error) {
      // The other lists go on.
      kept.release(bytes);
      throw error;
    }
    kept.release(bytes);
    throw new UncheckedError(
      path,
      `the list is longer than ${pageLimit * pageItems} objects, and was not read to its end`,
    );
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
  { verb, group = '', resource = '', subresource = '', name = '', namespace = '', nonResourcePath }: AccessAttributes,
  account: Account | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const attributes =
    nonResourcePath === undefined
      ? { resourceAttributes: { verb, group, resource, subresource, name, namespace } }
      : { nonResourceAttributes: { verb, path: nonResourcePath } };
  const kind = account === undefined ? 'SelfSubjectAccessReview' : 'SubjectAccessReview';
  const path = `/apis/authorization.k8s.io/v1/${kind.toLowerCase()}s`;
  const spec = account === undefined ? attributes : { ...attributes, ...userOf(account) };
  const body = { kind, apiVersion: 'authorization.k8s.io/v1', metadata: {}, spec };
  try {
    const status = field(await rest.create(path, body, { timeoutMs: requestTimeoutMs, signal }), 'status');
    return field(status, 'allowed') === true && field(status, 'denied') !== true;
  } catch (error) {
    throw unchecked(`create ${path}`, error);
  }
}

/** Returns the user and groups of a ServiceAccount. */
function userOf({ namespace, name }: Account): { readonly user: string; readonly groups: readonly string[] } {
  return {
    user: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
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
