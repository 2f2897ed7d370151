/** Reads what is behind our Service, and whether a pod is gone, from kube-apiserver instead of from an informer, which lags. */
import { StatusError } from '../apimachinery/status.ts';
import { readSlice, serviceNameLabel, usedEndpoints } from '../client/endpointslices.ts';
import { field, items, text, textMap } from '../client/json.ts';
import type { RestClient } from '../client/rest.ts';
import type { RootOwner } from '../tls/podroot.ts';
import type { ServiceName } from './apiserviceview.ts';
import { readServicePods, type ServicePod } from './servicepods.ts';
import type { ServiceBackends } from './switchobstacle.ts';

/** Which pods are behind the Service is unknown. */
export class NoSelectorError extends Error {
  override readonly name = 'NoSelectorError';
}

export interface BackendSource {
  /** @throws NoSelectorError for a Service without selector. */
  behindService(signal: AbortSignal): Promise<ServiceBackends>;
  /** Reports whether the pod does not exist any more, or its containers have ended for good. */
  isGone(owner: RootOwner, signal: AbortSignal): Promise<boolean>;
}

/** Needs `get` of the Service by name, `list` of EndpointSlices in its namespace, and the `list` of pods that kubegauge has anyway. */
export function createBackendSource(rest: RestClient, service: ServiceName): BackendSource {
  const inNamespace = `namespaces/${service.namespace}`;
  return {
    async behindService(signal) {
      const spec = field(await rest.get(`/api/v1/${inNamespace}/services/${service.name}`, { signal }), 'spec');
      const selector = textMap(field(spec, 'selector'));
      if (selector.size === 0)
        throw new NoSelectorError(`the Service ${service.namespace}/${service.name} has no selector`);
      const labelSelector = [...selector].map(([key, value]) => `${key}=${value}`).join();
      // Without resourceVersion the lists are as new as etcd.
      const query = { labelSelector: `${serviceNameLabel}=${service.name}` };
      const [slices, pods] = await Promise.all([
        rest
          .get(`/apis/discovery.k8s.io/v1/${inNamespace}/endpointslices`, { query, signal })
          .then((list) => items(field(list, 'items')))
          .catch(noneOrDenied),
        rest.get(`/api/v1/${inNamespace}/pods`, { query: { labelSelector }, signal }).then(readServicePods),
      ]);
      return { pods, addedEndpoints: slices && addedEndpoints(spec, slices, pods) };
    },
    async isGone({ namespace, pod, uid }, signal) {
      const query = { fieldSelector: `metadata.name=${pod}` };
      const list = await rest.get(`/api/v1/namespaces/${namespace}/pods`, { query, signal });
      if (text(field(field(list, 'metadata'), 'resourceVersion')) === undefined) {
        throw new Error('the answer is no list of pods');
      }
      return readServicePods(list).every((found) => found.uid !== uid || found.ended);
    },
  };
}

/** Returns undefined where the right is missing; a Kubernetes without the API has no slices. */
function noneOrDenied(error: unknown): readonly unknown[] | undefined {
  if (error instanceof StatusError && error.code === 404) return [];
  if (error instanceof StatusError && error.code === 403) return undefined;
  throw error;
}

/** The slices that kube-controller-manager writes for the selector lag behind the pods, and hold nothing else. */
function addedEndpoints(spec: unknown, objects: readonly unknown[], pods: readonly ServicePod[]): readonly string[] {
  const slices = objects.map(readSlice).filter(({ manager }) => manager !== 'selector');
  const ours = new Set(pods.filter(({ ended }) => !ended).flatMap(({ addresses }) => addresses));
  const ports = new Set(items(field(spec, 'ports')).map((port) => text(field(port, 'name')) ?? ''));
  return [...ports].flatMap((port) =>
    usedEndpoints(slices, port)
      .filter(({ address }) => !ours.has(address))
      .map((used) => `${used.address} port ${used.port} of EndpointSlice ${used.slice.name}`),
  );
}
