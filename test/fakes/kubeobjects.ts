/** Kubernetes objects for tests: what kube-apiserver would hold, as small as our code allows. */

export interface KubeObject {
  readonly kind: Kind;
  readonly apiVersion: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    /** RFC 3339. */
    readonly creationTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly object[];
    readonly managedFields?: readonly object[];
    readonly deletionTimestamp?: string;
  };
  readonly [field: string]: unknown;
}

/** The kinds that the fake API server knows, and their resources. */
export const kinds = {
  Node: 'nodes',
  Pod: 'pods',
  ConfigMap: 'configmaps',
  Service: 'services',
  APIService: 'apiservices',
  Namespace: 'namespaces',
  Deployment: 'deployments',
  ReplicaSet: 'replicasets',
  StatefulSet: 'statefulsets',
  DaemonSet: 'daemonsets',
  EndpointSlice: 'endpointslices',
  Endpoints: 'endpoints',
  NetworkPolicy: 'networkpolicies',
  ValidatingWebhookConfiguration: 'validatingwebhookconfigurations',
  MutatingWebhookConfiguration: 'mutatingwebhookconfigurations',
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  Role: 'roles',
  RoleBinding: 'rolebindings',
  CertificateSigningRequest: 'certificatesigningrequests',
  HorizontalPodAutoscaler: 'horizontalpodautoscalers',
} as const;

export type Kind = keyof typeof kinds;

export interface NodeOptions {
  readonly uid?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly addresses?: readonly { readonly type: string; readonly address: string }[];
  readonly kubeletPort?: number;
  readonly ready?: boolean;
  /** A quantity; default 16 cores. */
  readonly cpu?: string;
  /** A quantity; default 64 GiB. */
  readonly memory?: string;
  /** The container runtime and its version. */
  readonly runtime?: string;
}

export function node(name: string, options: NodeOptions = {}): KubeObject {
  const { uid, labels = {}, annotations = {}, addresses, kubeletPort = 10250, ready = true } = options;
  const { cpu = '16', memory = '65536Mi', runtime = 'containerd://2.2.0' } = options;
  return {
    kind: 'Node',
    apiVersion: 'v1',
    metadata: {
      name,
      ...(uid === undefined ? {} : { uid }),
      labels: { 'kubernetes.io/hostname': name, ...labels },
      annotations,
    },
    spec: {},
    status: {
      capacity: { memory, cpu },
      nodeInfo: { containerRuntimeVersion: runtime },
      addresses: addresses ?? [
        { type: 'InternalIP', address: '127.0.0.1' },
        { type: 'Hostname', address: name },
      ],
      conditions: [
        { type: 'MemoryPressure', status: 'False' },
        { type: 'Ready', status: ready ? 'True' : 'Unknown' },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
    },
  };
}

export interface PodOptions {
  readonly uid?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  readonly nodeName?: string;
  readonly hostNetwork?: boolean;
  /** Milliseconds since the epoch. */
  readonly createdMs?: number;
  /** More of the spec and the status, as the API has them in JSON. */
  readonly spec?: object | undefined;
  readonly status?: object | undefined;
}

export function pod(namespace: string, name: string, options: PodOptions = {}): KubeObject {
  const { uid, labels = {}, annotations = {}, phase = 'Running', nodeName, hostNetwork, createdMs } = options;
  const { spec, status } = options;
  const created = createdMs === undefined ? {} : { creationTimestamp: rfc3339(createdMs) };
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { namespace, name, ...(uid === undefined ? {} : { uid }), ...created, labels, annotations },
    spec: { nodeName, hostNetwork, ...spec },
    status: { phase, ...status },
  };
}

/** An autoscaler (autoscaling/v2) of the Deployment of its name. @param metrics as the API has them in JSON. */
export function autoscaler(namespace: string, name: string, metrics: readonly object[]): KubeObject {
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name };
  return {
    kind: 'HorizontalPodAutoscaler',
    apiVersion: 'autoscaling/v2',
    metadata: { namespace, name },
    spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 10, metrics },
  };
}

/** As Kubernetes writes times: whole seconds. */
export function rfc3339(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

export interface AuthenticationConfig {
  /** PEM bundles. */
  readonly clientCa?: string;
  readonly requestHeaderCa?: string;
  readonly allowedNames?: readonly string[];
  /** Whether kube-apiserver runs with --requestheader-uid-headers. */
  readonly uidHeader?: boolean;
}

/** kube-system/extension-apiserver-authentication, as kube-apiserver writes it. */
export function authenticationConfigMap(config: AuthenticationConfig): KubeObject {
  const { clientCa, requestHeaderCa, allowedNames = ['front-proxy-client'], uidHeader = false } = config;
  const frontProxy = {
    'requestheader-client-ca-file': requestHeaderCa,
    'requestheader-allowed-names': JSON.stringify(allowedNames),
    'requestheader-username-headers': '["X-Remote-User"]',
    'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    ...(uidHeader ? { 'requestheader-uid-headers': '["X-Remote-Uid"]' } : {}),
  };
  return {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { namespace: 'kube-system', name: 'extension-apiserver-authentication' },
    data: {
      ...(clientCa === undefined ? {} : { 'client-ca-file': clientCa }),
      ...(requestHeaderCa === undefined ? {} : frontProxy),
    },
  };
}

/** As manifests/components/kubelet-pins ship it: without data. */
export function pinsConfigMap(data?: Readonly<Record<string, string>>): KubeObject {
  return {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: 'kubegauge-kubelet-pins', namespace: 'kube-system' },
    ...(data === undefined ? {} : { data }),
  };
}
