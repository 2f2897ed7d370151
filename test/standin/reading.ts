/** Reads what a client sees: objects and usage through the API server, the state of nodes from /status, and for an object without usage the causes of its 404. */
import { Agent, type Dispatcher, request } from 'undici';
import { conditionOf } from '../../src/client/conditions.ts';
import { field, items, text } from '../../src/client/json.ts';
import type { Issued } from '../fakes/certificates.ts';

export interface SeenUsage {
  readonly nanocores: number;
  readonly memoryBytes: number;
  readonly timestampMs: number;
}

/** Why there is no usage, or no newer one: a code and a sentence of the server. */
export interface Reason {
  readonly code: string;
  readonly sentence: string;
}

export function reasonText({ code, sentence }: Reason): string {
  return `${code}: ${sentence}`;
}

export interface SeenNode {
  readonly name: string;
  readonly ready: boolean;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly usage: SeenUsage | undefined;
  /** The failure of the last scrape; otherwise the cause of the 404. */
  readonly reason: Reason | undefined;
}

export interface SeenPod {
  /** As <namespace>/<name>. */
  readonly name: string;
  readonly node: string;
  readonly restarts: number;
  readonly usage: SeenUsage | undefined;
  readonly reason: Reason | undefined;
}

export interface Reading {
  readonly atMs: number;
  readonly nodes: readonly SeenNode[];
  readonly pods: readonly SeenPod[];
}

export interface ReaderOptions {
  readonly apiUrl: string;
  readonly serverUrl: string;
  /** PEM; has signed the certificates of both. */
  readonly ca: string;
  /** A client certificate that the API server knows. */
  readonly admin: Issued;
  /** A token that may read /status. */
  readonly token: string;
}

export interface Reader extends AsyncDisposable {
  /** @throws Error while the API server or the server does not answer. */
  read(signal: AbortSignal): Promise<Reading>;
}

const usagePath = '/apis/metrics.k8s.io/v1';
/** More 404s than this many, pods, are not asked for in one reading. */
const reasonLimit = 50;

export function createReader({ apiUrl, serverUrl, ca, admin, token }: ReaderOptions): Reader {
  const asAdmin = new Agent({ connect: { ca, ...admin } });
  const asReader = new Agent({ connect: { ca } });
  return { read, [Symbol.asyncDispose]: () => Promise.all([asAdmin.destroy(), asReader.destroy()]).then(() => {}) };

  async function read(signal: AbortSignal): Promise<Reading> {
    const [nodes, pods, nodeUsages, podUsages, status] = await Promise.all([
      list('/api/v1/nodes', signal),
      list('/api/v1/pods', signal),
      list(`${usagePath}/nodes`, signal).then(
        (all) => new Map(all.map((item) => [nameOf(item), usageOf([item], item)])),
      ),
      list(`${usagePath}/pods`, signal).then(
        (all) => new Map(all.map((item) => [nameOf(item), usageOf(items(field(item, 'containers')), item)])),
      ),
      json(serverUrl, '/status', asReader, signal, { authorization: `Bearer ${token}` }),
    ]);
    const failures = failuresOf(status);
    const without = pods.filter((pod) => !podUsages.has(nameOf(pod))).map(nameOf);
    const reasons = new Map(
      await Promise.all(
        without.slice(0, reasonLimit).map(async (name) => {
          const [namespace = '', pod = ''] = name.split('/');
          return [name, await reasonAt(`${usagePath}/namespaces/${namespace}/pods/${pod}`, signal)] as const;
        }),
      ),
    );
    const seenNodes = nodes.map(async (node): Promise<SeenNode> => {
      const name = nameOf(node);
      const usage = nodeUsages.get(name);
      const cause = usage === undefined ? await reasonAt(`${usagePath}/nodes/${name}`, signal) : undefined;
      return { name, ...machineOf(node), usage, reason: failures.get(name) ?? cause };
    });
    return {
      atMs: Date.now(),
      nodes: await Promise.all(seenNodes),
      pods: pods.map((pod): SeenPod => {
        const name = nameOf(pod);
        const node = text(field(field(pod, 'spec'), 'nodeName')) ?? '';
        return { name, node, restarts: restartsOf(pod), usage: podUsages.get(name), reason: reasons.get(name) };
      }),
    };
  }

  async function list(path: string, signal: AbortSignal): Promise<readonly unknown[]> {
    const { statusCode, content } = await json(apiUrl, path, asAdmin, signal);
    if (statusCode !== 200) throw new Error(`GET ${path}: ${statusCode}`);
    return items(field(content, 'items'));
  }

  /** Undefined if there is usage by now. */
  async function reasonAt(path: string, signal: AbortSignal): Promise<Reason | undefined> {
    const { statusCode, content } = await json(apiUrl, path, asAdmin, signal);
    const [cause] = items(field(field(content, 'details'), 'causes'));
    const code = text(field(cause, 'reason'));
    if (statusCode !== 404 || code === undefined) return undefined;
    return { code, sentence: text(field(cause, 'message')) ?? '' };
  }
}

async function json(
  url: string,
  path: string,
  dispatcher: Dispatcher,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly statusCode: number; readonly content: unknown }> {
  const { statusCode, body } = await request(url + path, { dispatcher, signal, headers });
  const written = await body.text();
  // While the server is away, the API server answers in plain text.
  return { statusCode, content: statusCode === 503 ? undefined : JSON.parse(written) };
}

function failuresOf({ content }: { readonly content: unknown }): ReadonlyMap<string, Reason> {
  return new Map(
    items(field(content, 'nodes')).flatMap((node): [string, Reason][] => {
      const error = field(node, 'error');
      const [name, code] = [text(field(node, 'name')), text(field(error, 'code'))];
      if (name === undefined || code === undefined) return [];
      return [[name, { code, sentence: text(field(error, 'message')) ?? '' }]];
    }),
  );
}

function nameOf(object: unknown): string {
  const metadata = field(object, 'metadata');
  const [namespace, name = ''] = [text(field(metadata, 'namespace')), text(field(metadata, 'name'))];
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function machineOf(node: unknown) {
  const allocatable = field(field(node, 'status'), 'allocatable');
  return {
    ready: conditionOf(node, 'Ready')?.status === 'True',
    cores: parseQuantity(text(field(allocatable, 'cpu')) ?? ''),
    memoryBytes: parseQuantity(text(field(allocatable, 'memory')) ?? ''),
  };
}

function restartsOf(pod: unknown): number {
  return items(field(field(pod, 'status'), 'containerStatuses'))
    .map((status) => Number(field(status, 'restartCount') ?? 0))
    .reduce((sum, count) => sum + count, 0);
}

/** Returns the sum of all containers. */
function usageOf(measured: readonly unknown[], item: unknown): SeenUsage {
  const sum = (resource: string) =>
    measured.reduce(
      (total: number, one) => total + parseQuantity(text(field(field(one, 'usage'), resource)) ?? '0'),
      0,
    );
  const timestampMs = Date.parse(text(field(item, 'timestamp')) ?? '');
  return { nanocores: Math.round(sum('cpu') * 1e9), memoryBytes: sum('memory'), timestampMs };
}

/** Returns cores or bytes of a quantity in the forms in which usage and capacity are written; NaN for others. */
export function parseQuantity(quantity: string): number {
  const [, number = '', suffix = ''] = /^(\d+(?:\.\d+)?)([a-zA-Z]*)$/.exec(quantity) ?? [];
  const factor = factors[suffix];
  return number === '' || factor === undefined ? Number.NaN : Number(number) * factor;
}

const factors: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
};
