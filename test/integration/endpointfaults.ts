/** Faults of the endpoints behind the Service, each from a public report, planted in the fake API server. */
import { sliceName, serviceName } from '../fakes/installation.ts';
import { add, type ApiSideFault, change, type FaultyCluster, podName, withoutPods } from './apisidefaults.ts';

const mirrored = 'endpointslicemirroring-controller.k8s.io';

/** Adds a slice as a person or another program does. @param address of a server that is no pod of the Service. */
function addSlice(
  cluster: FaultyCluster,
  name: string,
  { address = '127.0.0.2', manager, port = 'https', labels = {} }: SliceOptions = {},
): void {
  const managedBy = manager === undefined ? {} : { 'endpointslice.kubernetes.io/managed-by': manager };
  add(cluster, 'EndpointSlice', 'discovery.k8s.io/v1', name, {
    metadata: {
      namespace: 'kube-system',
      name,
      labels: { 'kubernetes.io/service-name': serviceName, ...managedBy, ...labels },
    },
    addressType: 'IPv4',
    ports: [{ name: port, port: cluster.installation.port, protocol: 'TCP' }],
    endpoints: [{ addresses: [address] }],
  });
}

interface SliceOptions {
  readonly address?: string;
  readonly manager?: string;
  /** Its name. */
  readonly port?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Takes the selector, the controller's slice and the pods away, as for a server outside of the cluster. */
function withoutSelector(cluster: FaultyCluster): void {
  change(cluster, 'Service', serviceName, { spec: { selector: null } });
  cluster.apiServer.objects.delete('EndpointSlice', sliceName, 'kube-system');
  withoutPods(cluster);
}

export const endpointFaults: readonly ApiSideFault[] = [
  {
    name: 'kubernetes/kubernetes#85353: a slice that another program manages sends requests elsewhere',
    plant: (cluster) => addSlice(cluster, 'metrics-server-custom', { manager: 'custom' }),
    code: 'endpoint-by-hand',
    severity: 'warning',
    says: /127\.0\.0\.2 port \d+/,
  },
  {
    name: 'kubernetes/kubernetes#105987: the mirrored slice of an Endpoints object stays when a selector is added',
    plant: (cluster) => {
      addSlice(cluster, 'metrics-server-mirror', { manager: mirrored });
      add(cluster, 'Endpoints', 'v1', serviceName, { subsets: [{ addresses: [{ ip: '127.0.0.2' }] }] });
    },
    code: 'endpoint-by-hand',
    severity: 'warning',
    says: /kubectl delete endpoints --namespace kube-system metrics-server\n/,
  },
  {
    name: 'kubernetes/kubernetes#107583: the controller of slices does not run, and requests go to a pod that is gone',
    plant: (cluster) =>
      change(cluster, 'EndpointSlice', sliceName, [
        {
          op: 'add',
          path: '/endpoints/-',
          value: { addresses: ['127.0.0.9'], targetRef: { kind: 'Pod', namespace: 'kube-system', name: 'gone' } },
        },
      ]),
    code: 'endpoints-outdated',
    // The fake has no controller that writes the slice anew.
    byHand: true,
    says: /127\.0\.0\.9.*managed-by=endpointslice-controller\.k8s\.io/s,
  },
  {
    name: 'kubernetes/kubernetes#82494: a ready pod is in no slice',
    plant: (cluster) =>
      change(cluster, 'EndpointSlice', sliceName, [
        { op: 'replace', path: '/endpoints/0/conditions/ready', value: false },
      ]),
    code: 'endpoints-outdated',
    byHand: true,
    says: new RegExp(`no request goes to these pods, although they are ready: kube-system/${podName}`),
  },
  {
    name: 'kubernetes/kubernetes#118376: the selector was removed, and its slice keeps the address of a pod that is gone',
    plant: (cluster) => {
      change(cluster, 'Service', serviceName, { spec: { selector: null } });
      withoutPods(cluster);
    },
    code: 'endpoints-outdated',
  },
  {
    name: 'kubernetes/kubernetes#118376: the selector was removed, and its slice still has the pods, which nothing keeps up to date',
    plant: (cluster) => change(cluster, 'Service', serviceName, { spec: { selector: null } }),
    code: 'endpoints-outdated',
    severity: 'warning',
    says: /fail once these pods are replaced/,
  },
  {
    name: 'kubernetes/kubernetes#123954: the port of a slice by hand has another name than that of the Service',
    plant: (cluster) => {
      withoutSelector(cluster);
      addSlice(cluster, 'metrics-server-1', { address: '127.0.0.1', port: '' });
    },
    code: 'endpoints-missing',
    says: /no port of the name 'https'/,
  },
  {
    name: 'kubernetes/website#45579: a slice by hand lacks the label that names its Service',
    plant: (cluster) => {
      withoutSelector(cluster);
      addSlice(cluster, 'metrics-server-1', { address: '127.0.0.1', labels: { 'kubernetes.io/service-name': '' } });
      change(cluster, 'EndpointSlice', 'metrics-server-1', {
        metadata: { labels: { 'kubernetes.io/service-name': null } },
      });
    },
    code: 'endpoints-missing',
    says: /has no label kubernetes\.io\/service-name/,
  },
  {
    name: 'kubernetes/kubernetes#87412: kube-proxy ignores a slice of a controller that marks it as headless',
    plant: (cluster) => {
      withoutSelector(cluster);
      addSlice(cluster, 'metrics-server-1', {
        address: '127.0.0.1',
        labels: { 'service.kubernetes.io/headless': '' },
      });
    },
    code: 'endpoints-missing',
    severity: 'warning',
    says: /kube-proxy ignores/,
  },
];
