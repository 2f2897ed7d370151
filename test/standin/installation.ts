/** The objects of the server's own installation, as manifests/base makes them: APIServices, Service, Deployment, rights. `kubegauge doctor` reads them. */
import {
  apiService,
  condition,
  deployment,
  labels,
  namespace,
  podSpec,
  serviceName,
  serviceObjects,
} from '../fakes/installation.ts';
import type { FakeApiServer } from '../fakes/apiserver.ts';
import type { KubeObject } from '../fakes/kubeobjects.ts';
import { setRbac } from '../fakes/rbac.ts';
import { metricsGroups } from './discovery.ts';
import { toPodObject } from './objects.ts';
import { serverFlags } from './server.ts';
import type { SimulatedPod } from './simulation.ts';
import { serverImage, serverWorkload } from './workloads.ts';

export interface InstallationOptions {
  /** Where the server listens, on 127.0.0.1. */
  readonly port: number;
  /** PEM; has signed the server's certificate. */
  readonly ca: string;
}

const address = '127.0.0.1';

/** Sets all of them but the pod. */
export function setInstallation(
  { objects }: FakeApiServer,
  { port, ca }: InstallationOptions,
  pod: SimulatedPod,
): void {
  setRbac(objects, ['components/custom-metrics/rbac.yaml']);
  // Kubelets get the server's own token: the stand-in issues no others. So the server writes nothing, and may not.
  objects.delete('ClusterRoleBinding', 'system:kubegauge-ca-bundle');
  objects.delete('ClusterRoleBinding', 'system:kubegauge-custom-metrics-ca-bundle');
  objects.set({
    kind: 'ClusterRoleBinding',
    apiVersion: 'rbac.authorization.k8s.io/v1',
    metadata: { name: 'standin:kubelets' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:kubegauge-kubelets' },
    subjects: [{ kind: 'ServiceAccount', name: 'kubegauge', namespace }],
  });
  const caBundle = Buffer.from(ca).toString('base64');
  for (const [group, versions] of Object.entries(metricsGroups)) {
    // The first one is preferred.
    versions.forEach((version, index) => {
      objects.set(apiService(version, { caBundle, versionPriority: index === 0 ? 200 : 100 }, group));
    });
  }
  for (const object of serviceObjects(port, pod.name)) objects.set(object);
  objects.set(deployment(serviceName, serverImage, port, 1, serverFlags(port)));
}

/** As toPodObject, and of the server's own pod with what its Deployment and the kubelet would write. */
export function toPodOf(pod: SimulatedPod, port: number): KubeObject {
  const object = toPodObject(pod);
  if (pod.workload !== serverWorkload) return object;
  const { metadata, spec, status } = object as KubeObject & { readonly spec: object; readonly status: object };
  return {
    ...object,
    metadata: { ...metadata, labels: { ...metadata.labels, ...labels } },
    spec: { ...spec, ...podSpec(serverImage, port, serverFlags(port)) },
    status: {
      ...status,
      podIP: address,
      podIPs: [{ ip: address }],
      conditions: [condition('Ready', 'True', '', '')],
    },
  };
}
