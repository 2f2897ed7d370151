/** Fits manifests/base to the test cluster, which has neither kube-proxy nor a registry: the server as a pod, or as a process. */
import { isIPv6 } from 'node:net';
import type { V1APIService, V1Deployment, V1EndpointSlice, V1EnvVar, V1Service } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';

/** Any object of Kubernetes, as far as it must be known to pick it out. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Parses the output of `kubectl kustomize manifests/base`. */
export function parseObjects(text: string): KubernetesObject[] {
  return parseAllDocuments(text).map((document): KubernetesObject => document.toJS());
}

/** One object that holds all of them, as `kubectl apply -f -` and `kubectl delete -f -` read it. */
export function toList(objects: readonly KubernetesObject[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
}

/** The base with a Deployment whose pod reaches kube-apiserver at its own address and whose image is never pulled. */
export function inPod(base: readonly KubernetesObject[], apiServer: { ip: string; port: number }): KubernetesObject[] {
  const env: V1EnvVar[] = [
    { name: 'KUBERNETES_SERVICE_HOST', value: apiServer.ip },
    { name: 'KUBERNETES_SERVICE_PORT', value: String(apiServer.port) },
  ];
  return base.map((object) => {
    if (object.kind !== 'Deployment') return object;
    const deployment = structuredClone(object) as KubernetesObject & V1Deployment;
    for (const container of deployment.spec?.template.spec?.containers ?? []) {
      container.imagePullPolicy = 'Never';
      container.env = [...(container.env ?? []), ...env];
    }
    return deployment;
  });
}

/** The base for a server that runs as a process: its rights and APIServices, and the Service leads to the process. */
export function outsidePod(base: readonly KubernetesObject[], ip: string, port: number): KubernetesObject[] {
  const kept = base.filter(({ kind }) => kind !== 'Deployment' && kind !== 'Service');
  return [...kept.map(unverified), ...outsideEndpoint(ip, port)];
}

/** Its certificate is self-signed, and only a server in a pod publishes the root of its certificates. */
function unverified(object: KubernetesObject): KubernetesObject {
  if (object.kind !== 'APIService') return object;
  const changed = structuredClone(object) as KubernetesObject & V1APIService;
  if (changed.spec !== undefined) changed.spec.insecureSkipTLSVerify = true;
  return changed;
}

/**
 * The Service without a selector and the one endpoint behind it. Where the Service had a selector before, delete it first:
 * Kubernetes leaves the endpoints that it made for the selector.
 */
export function outsideEndpoint(
  ip: string,
  port: number,
): [KubernetesObject & V1Service, KubernetesObject & V1EndpointSlice] {
  const name = 'metrics-server';
  const metadata = { name, namespace: 'kube-system', labels: { 'k8s-app': name } };
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port, appProtocol: 'https' }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      // The label is what makes it the Service's; its name is free.
      metadata: { ...metadata, labels: { ...metadata.labels, 'kubernetes.io/service-name': name } },
      addressType: isIPv6(ip) ? 'IPv6' : 'IPv4',
      ports: [{ name: 'https', port, protocol: 'TCP', appProtocol: 'https' }],
      endpoints: [{ addresses: [ip], conditions: { ready: true } }],
    },
  ];
}
