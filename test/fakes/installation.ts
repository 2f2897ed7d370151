/** A metrics server that is well, as the objects of the fake API server, and a TLS server that shows its certificate. */
import { once } from 'node:events';
import { createServer } from 'node:tls';
import { type Authority, type IssueOptions, makeAuthority } from './certificates.ts';
import type { FakeApiServer } from './apiserver.ts';
import { authenticationConfigMap, type KubeObject } from './kubeobjects.ts';
import { listen } from './listen.ts';
import { useRbac } from './rbac.ts';

export interface Installation extends AsyncDisposable {
  /** Issued the certificate that is shown. */
  readonly authority: Authority;
  /** Where the certificate is shown. */
  readonly port: number;
  /** Shows another certificate from now on. */
  show(authority: Authority, options?: Partial<IssueOptions>): void;
}

export interface InstallationOptions {
  /** Default: kubegauge. */
  readonly image?: string;
}

export const namespace = 'kube-system';
export const serviceName = 'metrics-server';
/** The name that kube-apiserver verifies. */
export const servedName = `${serviceName}.${namespace}.svc`;
/** Name of the slice that kube-controller-manager writes. */
export const sliceName = 'metrics-server-x2x9p';
export const labels = { 'k8s-app': 'metrics-server' };
const hash = 'f6f4c8d5b';

/** Sets all objects: APIServices with caBundle, Service, EndpointSlice, Deployment, one ready pod, kube-apiserver's ConfigMap. */
export async function createInstallation(
  server: FakeApiServer,
  { image = 'kubegauge:0.1.0' }: InstallationOptions = {},
): Promise<Installation> {
  const authority = makeAuthority('serving authority');
  const tls = createServer({ ...issue(authority), minVersion: 'TLSv1.2' }, (socket) => socket.end());
  tls.on('tlsClientError', () => undefined);
  const port = await listen(tls, 0);
  const bundle = Buffer.from(authority.cert).toString('base64');
  const versions = image.includes('metrics-server') ? (['v1beta1'] as const) : (['v1beta1', 'v1'] as const);
  for (const version of versions) server.objects.set(apiService(version, { caBundle: bundle }));
  for (const object of objectsOf(image, port)) server.objects.set(object);
  const frontProxy = makeAuthority('front-proxy-ca');
  server.objects.set(authenticationConfigMap({ clientCa: authority.cert, requestHeaderCa: frontProxy.cert }));
  useRbac(server);
  return {
    authority,
    port,
    show: (other, options) => tls.setSecureContext(issue(other, options)),
    [Symbol.asyncDispose]: async () => {
      tls.close();
      await once(tls, 'close');
    },
  };
}

function issue(authority: Authority, options: Partial<IssueOptions> = {}): { cert: string; key: string } {
  return authority.issue({ cn: serviceName, dns: [servedName], usages: ['server'], ...options });
}

/** @param spec beside group, version, priorities and Service. */
export function apiService(version: string, spec: object = {}, group = 'metrics.k8s.io'): KubeObject {
  return {
    kind: 'APIService',
    apiVersion: 'apiregistration.k8s.io/v1',
    metadata: { name: `${version}.${group}`, labels },
    spec: {
      group,
      version,
      groupPriorityMinimum: 100,
      versionPriority: version === 'v1' ? 200 : 100,
      service: { namespace, name: serviceName, port: 443 },
      ...spec,
    },
    status: { conditions: [condition('Available', 'True', 'Passed', 'all checks passed')] },
  };
}

export function condition(type: string, status: string, reason: string, message: string): object {
  return { type, status, reason, message, lastTransitionTime: '2026-11-01T00:00:00Z' };
}

/** @param args as of podSpec. */
export function deployment(
  name: string,
  image: string,
  port: number,
  replicas = 1,
  args?: readonly string[],
): KubeObject {
  return {
    kind: 'Deployment',
    apiVersion: 'apps/v1',
    metadata: { namespace, name, labels, creationTimestamp: '2026-11-01T00:00:00Z' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec(image, port, args) },
    },
    status: {
      replicas,
      readyReplicas: replicas,
      conditions: [condition('Available', 'True', 'MinimumReplicasAvailable', '')],
    },
  };
}

const identity = ['--kubelet-service-account=kubegauge-kubelets'];

/** @param args Default: those of the image's own manifests. */
export function podSpec(
  image: string,
  port: number,
  args: readonly string[] = [`--secure-port=${port}`, ...(image.includes('metrics-server') ? [] : identity)],
): object {
  return {
    serviceAccountName: image.includes('metrics-server') ? 'metrics-server' : 'kubegauge',
    containers: [
      {
        name: 'metrics-server',
        image,
        args,
        ports: [{ name: 'https', containerPort: port, protocol: 'TCP' }],
      },
    ],
  };
}

/** One pod of a Deployment. */
export function servingPod(name: string, owner: string, image: string, port: number, status: object = {}): KubeObject {
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      namespace,
      name,
      labels: { ...labels, 'pod-template-hash': hash },
      creationTimestamp: '2026-11-01T00:00:00Z',
      ownerReferences: [{ kind: 'ReplicaSet', apiVersion: 'apps/v1', name: `${owner}-${hash}`, controller: true }],
    },
    spec: { nodeName: 'node-1', ...podSpec(image, port) },
    status: {
      phase: 'Running',
      podIP: '127.0.0.1',
      podIPs: [{ ip: '127.0.0.1' }],
      conditions: [condition('Ready', 'True', '', '')],
      ...status,
    },
  };
}

/** Returns the Service with its endpoint, and the namespaces. @param pod behind the Service, at 127.0.0.1. */
export function serviceObjects(port: number, pod: string): readonly KubeObject[] {
  return [
    {
      kind: 'Service',
      apiVersion: 'v1',
      metadata: { namespace, name: serviceName, labels },
      spec: {
        clusterIP: '10.96.0.20',
        selector: labels,
        ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 'https' }],
      },
    },
    {
      kind: 'EndpointSlice',
      apiVersion: 'discovery.k8s.io/v1',
      metadata: {
        namespace,
        name: sliceName,
        labels: {
          'kubernetes.io/service-name': serviceName,
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
      },
      addressType: 'IPv4',
      ports: [{ name: 'https', port, protocol: 'TCP' }],
      endpoints: [
        {
          addresses: ['127.0.0.1'],
          conditions: { ready: true },
          targetRef: { kind: 'Pod', namespace, name: pod },
        },
      ],
    },
    { kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'default' }, status: { phase: 'Active' } },
    { kind: 'Namespace', apiVersion: 'v1', metadata: { name: namespace }, status: { phase: 'Active' } },
  ];
}

function objectsOf(image: string, port: number): readonly KubeObject[] {
  const pod = 'metrics-server-f6f4c8d5b-abcde';
  return [
    ...serviceObjects(port, pod),
    deployment('metrics-server', image, port),
    servingPod(pod, 'metrics-server', image, port),
  ];
}
