/** The cluster's nodes. */
import type { Labels } from '../apimachinery/labels.ts';
import type { Clock } from '../clock.ts';
import { type Change, createInformer } from '../client/informer.ts';
import { field, items, text, textMap } from '../client/json.ts';
import { objectMeta } from '../client/kubernetesmessages.ts';
import { type Message, protobufType } from '../client/protobufreader.ts';
import type { RestClient } from '../client/rest.ts';
import { foreignText } from '../foreigntext.ts';
import type { Logger } from '../logging.ts';
import { metricsPath, metricsPathAnnotation } from './metricspath.ts';

export interface NodeAddress {
  readonly type: string;
  /** IPv6 without brackets. */
  readonly address: string;
}

export interface NodeInfo {
  readonly name: string;
  /** A Node with another UID is another node, despite its name. */
  readonly uid: string | undefined;
  readonly labels: Labels;
  readonly addresses: readonly NodeAddress[];
  /** From status.daemonEndpoints. */
  readonly kubeletPort: number | undefined;
  readonly ready: boolean;
  /** From status.capacity. */
  readonly capacityCores: number | undefined;
  /** From status.capacity. */
  readonly capacityMemoryBytes: number | undefined;
  /** The annotation metrics.k8s.io/resource-metrics-path. */
  readonly resourceMetricsPath: string | undefined;
}

export interface NodeLister {
  /** Reports whether the first list is complete. */
  synced(): boolean;
  get(name: string): NodeInfo | undefined;
  list(): readonly NodeInfo[];
  onChange(listener: (change: Change<NodeInfo>) => void): void;
}

export interface Nodes extends NodeLister {
  /** Returns when the first list was complete, monotonic, in milliseconds; undefined before. */
  syncedMs(): number | undefined;
  run(signal: AbortSignal): Promise<void>;
}

export interface NodesOptions {
  readonly rest: RestClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** Label selector; other nodes are unknown here. Empty selects all. */
  readonly selector: string;
}

/** Numbers are those of k8s.io/api's core/v1/generated.proto. The images, most of a Node's bytes, are skipped. */
const message: Message = {
  1: { name: 'metadata', kind: 'message', message: objectMeta([metricsPathAnnotation]) },
  3: {
    name: 'status',
    kind: 'message',
    message: {
      // A map is a list of entries.
      1: {
        name: 'capacity',
        kind: 'list',
        message: {
          1: { name: 'key', kind: 'word' },
          2: { name: 'value', kind: 'message', message: { 1: { name: 'string', kind: 'word' } } },
        },
      },
      4: {
        name: 'conditions',
        kind: 'list',
        message: { 1: { name: 'type', kind: 'word' }, 2: { name: 'status', kind: 'word' } },
      },
      5: {
        name: 'addresses',
        kind: 'list',
        message: { 1: { name: 'type', kind: 'word' }, 2: { name: 'address', kind: 'text' } },
      },
      6: {
        name: 'daemonEndpoints',
        kind: 'message',
        message: { 1: { name: 'kubeletEndpoint', kind: 'message', message: { 1: { name: 'Port', kind: 'integer' } } } },
      },
    },
  },
};

/** JSON is for proxies before kube-apiserver without protobuf. */
const accept = { list: `${protobufType},application/json;q=0.9`, watch: `${protobufType},application/json;q=0.9` };
/** A node with all its images may be 50 kB. */
const pageSize = 100;

export function createNodes({ rest, clock, log, selector }: NodesOptions): Nodes {
  const query = selector === '' ? {} : { labelSelector: selector };
  const informer = createInformer({
    rest,
    clock,
    log,
    path: '/api/v1/nodes',
    query,
    accept,
    message,
    pageSize,
    parse: (object) => {
      const node = parseNode(object);
      if (node !== undefined) warnOfRefusedPath(node, object);
      return node;
    },
  });
  /** Refused paths that were logged. */
  const refusedPaths = new Map<string, string>();
  let sorted: readonly NodeInfo[] | undefined;
  informer.onChange(() => {
    sorted = undefined;
  });
  return {
    synced: () => informer.synced(),
    syncedMs: () => informer.syncedMs(),
    get: (name) => informer.get(name),
    list,
    onChange: (listener) => informer.onChange(listener),
    run: (signal) => informer.run(signal),
  };

  function warnOfRefusedPath({ name, resourceMetricsPath }: NodeInfo, object: unknown): void {
    const path = annotatedPath(object);
    if (path === '' || resourceMetricsPath !== undefined || refusedPaths.get(name) === path) return;
    if (refusedPaths.size >= refusedLimit) refusedPaths.clear();
    refusedPaths.set(name, path);
    log.warn(
      { code: 'MetricsPathIgnored', node: name, path: foreignText(path) },
      `the annotation ${metricsPathAnnotation} is ignored: it has to be /metrics or a path below /metrics/, without a query, "..", "//" or "%"`,
    );
  }

  function list(): readonly NodeInfo[] {
    sorted ??= [...informer.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return sorted;
  }
}

/** Beyond it all are dropped. */
const refusedLimit = 10_000;

function annotatedPath(node: unknown): string {
  return textMap(field(field(node, 'metadata'), 'annotations')).get(metricsPathAnnotation) ?? '';
}

/** Returns undefined for an object without a name. */
export function parseNode(object: unknown): NodeInfo | undefined {
  const metadata = field(object, 'metadata');
  const status = field(object, 'status');
  const name = text(field(metadata, 'name'));
  if (name === undefined) return undefined;
  return {
    name,
    uid: text(field(metadata, 'uid')),
    labels: textMap(field(metadata, 'labels')),
    addresses: items(field(status, 'addresses'))
      .map(parseAddress)
      .filter((address) => address !== undefined),
    kubeletPort: parsePort(field(field(field(status, 'daemonEndpoints'), 'kubeletEndpoint'), 'Port')),
    ready: items(field(status, 'conditions')).some(isReady),
    capacityCores: parseCores(capacityOf(field(status, 'capacity'), 'cpu')),
    capacityMemoryBytes: parseBytes(capacityOf(field(status, 'capacity'), 'memory')),
    resourceMetricsPath: metricsPath(annotatedPath(object)),
  };
}

function parseAddress(value: unknown): NodeAddress | undefined {
  const type = text(field(value, 'type'));
  const address = text(field(value, 'address'));
  return type === undefined || address === undefined || address === '' ? undefined : { type, address };
}

/** Reads protobuf's list of entries, or JSON's object. */
function capacityOf(capacity: unknown, resource: string): string | undefined {
  const entry = items(capacity).find((each) => field(each, 'key') === resource);
  return text(entry === undefined ? field(capacity, resource) : field(field(entry, 'value'), 'string'));
}

/** Parses whole cores, or thousandths; kubelets write no others. */
function parseCores(quantity = ''): number | undefined {
  const [, digits, unit] = /^(\d{1,9})(m?)$/.exec(quantity) ?? [];
  return digits === undefined ? undefined : Number(digits) / (unit === 'm' ? 1000 : 1);
}

/** Parses the canonical form; kubelets write whole Ki. */
function parseBytes(quantity = ''): number | undefined {
  const [, digits, unit = '', exponent = '0'] = /^(\d{1,19})(?:([KMGTPE]i|[kMGTPE])|e(\d{1,2}))?$/.exec(quantity) ?? [];
  if (digits === undefined) return undefined;
  const power = unitPowers.indexOf(unit.charAt(0).toUpperCase());
  return Number(digits) * (unit.endsWith('i') ? 1024 : 1000) ** power * 10 ** Number(exponent);
}

const unitPowers = ['', 'K', 'M', 'G', 'T', 'P', 'E'];

/** Omits 0, which means none in Kubernetes. */
function parsePort(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536 ? value : undefined;
}

function isReady(condition: unknown): boolean {
  return field(condition, 'type') === 'Ready' && field(condition, 'status') === 'True';
}
