/** Reads the pods behind our Service, and whether a pod is gone, from kube-apiserver instead of from an informer, which lags. */
import { field, text, textMap } from '../client/json.ts';
import type { RestClient } from '../client/rest.ts';
import type { ServiceName } from './apiserviceview.ts';
import type { RootOwner } from '../tls/podroot.ts';
import { readServicePods, type ServicePod } from './servicepods.ts';

export interface PodSource {
  /**
   * Returns the pods of all phases that the Service selects.
   * @throws Error for a Service without selector: its endpoints are unknown.
   */
  behindService(signal: AbortSignal): Promise<readonly ServicePod[]>;
  /** Reports whether the pod does not exist any more, or its containers have ended for good. */
  isGone(owner: RootOwner, signal: AbortSignal): Promise<boolean>;
}

/** Needs `get` of the Service by name, and the `list` of pods that kubegauge has anyway. */
export function createPodSource(rest: RestClient, service: ServiceName): PodSource {
  const servicePath = `/api/v1/namespaces/${service.namespace}/services/${service.name}`;
  return {
    async behindService(signal) {
      const selector = textMap(field(field(await rest.get(servicePath, { signal }), 'spec'), 'selector'));
      if (selector.size === 0) throw new Error(`the Service ${service.namespace}/${service.name} has no selector`);
      const labelSelector = [...selector].map(([key, value]) => `${key}=${value}`).join();
      // Without resourceVersion the list is as new as etcd.
      return readServicePods(
        await rest.get(`/api/v1/namespaces/${service.namespace}/pods`, { query: { labelSelector }, signal }),
      );
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
