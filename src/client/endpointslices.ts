/**
 * Reads where requests to a Service go, by the rules of kube-proxy (pkg/proxy/endpointslicecache.go, topology.go) and of
 * kube-apiserver with --enable-aggregator-routing (apiserver/pkg/util/proxy): both take every EndpointSlice with the
 * Service's label, of any manager.
 */
import { isIP } from 'node:net';
import { field, items, text, textMap } from './json.ts';

export const serviceNameLabel = 'kubernetes.io/service-name';
const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
/** kube-proxy does not watch slices that have it. */
export const headlessLabel = 'service.kubernetes.io/headless';

/** The writer of a slice: a controller of Kubernetes for the pods of the selector, or for an Endpoints object; else another program or a person. */
export type SliceManager = 'selector' | 'endpoints' | 'another';

const managers: ReadonlyMap<string | undefined, SliceManager> = new Map([
  ['endpointslice-controller.k8s.io', 'selector'],
  ['endpointslicemirroring-controller.k8s.io', 'endpoints'],
]);

export interface Slice {
  readonly name: string;
  readonly manager: SliceManager;
  /** The label's value; empty without one. */
  readonly managedBy: string;
  readonly isHeadless: boolean;
  /** By name; those without a number lead nowhere. */
  readonly ports: readonly { readonly index: number; readonly name: string; readonly port: number }[];
  readonly endpoints: readonly SliceEndpoint[];
}

export interface SliceEndpoint {
  /** An IP address. */
  readonly address: string;
  readonly ready: boolean;
  /** Terminating, and still serves: kube-proxy uses these where none is ready. */
  readonly lastResort: boolean;
  /** The name of the pod that it claims to be. */
  readonly pod: string | undefined;
}

/** One place to which requests go. */
export interface UsedEndpoint extends SliceEndpoint {
  readonly port: number;
  readonly slice: Slice;
}

export function readSlice(object: unknown): Slice {
  const metadata = field(object, 'metadata');
  const labels = textMap(field(metadata, 'labels'));
  const managedBy = labels.get(managedByLabel) ?? '';
  return {
    name: text(field(metadata, 'name')) ?? '',
    manager: managers.get(managedBy) ?? 'another',
    managedBy,
    isHeadless: labels.has(headlessLabel),
    ports: items(field(object, 'ports')).flatMap((each, index) => {
      const port = field(each, 'port');
      return typeof port === 'number' && port !== 0 ? [{ index, name: text(field(each, 'name')) ?? '', port }] : [];
    }),
    endpoints: items(field(object, 'endpoints')).flatMap((each) => readEndpoint(each) ?? []),
  };
}

function readEndpoint(endpoint: unknown): SliceEndpoint | undefined {
  // The API allows more addresses of one endpoint; only the first is used. Names (FQDN) are not.
  const [first] = items(field(endpoint, 'addresses'));
  const address = text(first) ?? '';
  if (isIP(address) === 0) return undefined;
  const conditions = field(endpoint, 'conditions');
  const target = field(endpoint, 'targetRef');
  return {
    address,
    // Absent means true.
    ready: field(conditions, 'ready') !== false,
    lastResort: field(conditions, 'serving') !== false && field(conditions, 'terminating') === true,
    pod: text(field(target, 'kind')) === 'Pod' ? text(field(target, 'name')) : undefined,
  };
}

/** Returns where requests to a port of the Service go. @param portName the port's name in the Service, empty without one. */
export function usedEndpoints(slices: readonly Slice[], portName: string): readonly UsedEndpoint[] {
  const all = slices.flatMap((slice) =>
    slice.ports
      .filter(({ name }) => name === portName)
      .flatMap(({ port }) => slice.endpoints.map((endpoint) => ({ ...endpoint, port, slice }))),
  );
  const ready = all.filter((endpoint) => endpoint.ready);
  const used = ready.length > 0 ? ready : all.filter(({ lastResort }) => lastResort);
  return [...new Map(used.map((each) => [`${each.address} ${each.port}`, each])).values()];
}
