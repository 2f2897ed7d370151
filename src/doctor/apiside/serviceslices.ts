/** Reads the EndpointSlices of a Service, and those that look as if they were meant to be of it. */
import { readSlice, serviceNameLabel, type Slice } from '../../client/endpointslices.ts';
import { field, textMap } from '../../client/json.ts';
import type { ClusterReader } from '../clusterreader.ts';
import type { ServiceAddress } from './registration.ts';

/** Returns the Service's slices and those of its namespace without a Service; undefined in a cluster without the API. @throws UncheckedError. */
export async function readSlices(
  api: ClusterReader,
  { namespace, name }: ServiceAddress,
): Promise<{ readonly slices: readonly Slice[]; readonly unlabelled: readonly Slice[] } | undefined> {
  const all = await api.list(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`);
  if (all === undefined) return undefined;
  const serviceOf = (slice: unknown) => textMap(field(field(slice, 'metadata'), 'labels')).get(serviceNameLabel);
  const slices = all.filter((slice) => serviceOf(slice) === name).map(readSlice);
  // A slice by hand often has the Service's name, and lacks the label.
  const unlabelled = all.filter((slice) => serviceOf(slice) === undefined).map(readSlice);
  return { slices, unlabelled: unlabelled.filter((slice) => slice.name === name || slice.name.startsWith(`${name}-`)) };
}
