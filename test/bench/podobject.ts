/** Pods as kube-apiserver sends them, of the usual size: 6 kB, nearly half of them managed fields. */

export interface PodObject {
  readonly kind: 'Pod';
  readonly apiVersion: 'v1';
  readonly metadata: { readonly namespace: string; readonly name: string; readonly [field: string]: unknown };
  readonly spec: object;
  readonly status: object;
}

export const podsPerNamespace = 400;
const podsPerNode = 30;
/** Pods of one Deployment, which have equal labels. */
const podsPerTemplate = 20;

export function podObject(index: number): PodObject {
  const template = Math.floor(index / podsPerTemplate);
  const app = `checkout-service-${template % podsPerTemplate}`;
  const hash = digits(template, 10);
  const labels = {
    'app.kubernetes.io/component': 'backend',
    'app.kubernetes.io/instance': `${app}-production`,
    'app.kubernetes.io/managed-by': 'Helm',
    'app.kubernetes.io/name': app,
    'app.kubernetes.io/version': `1.${template % 7}.3`,
    'helm.sh/chart': 'service-4.2.1',
    'pod-template-hash': hash,
  };
  const annotations = {
    'checksum/config': digits(template, 64),
    'cni.projectcalico.org/containerID': digits(index, 64),
    'cni.projectcalico.org/podIP': `10.1.${(index >> 8) & 255}.${index & 255}/32`,
    'prometheus.io/port': '8080',
    'prometheus.io/scrape': 'true',
  };
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name: `${app}-${hash}-${digits(index, 5)}-${index}`,
      namespace: namespaceOf(index),
      uid: `${digits(index, 8)}-1234-4321-abcd-${String(index).padStart(12, '0')}`,
      resourceVersion: String(1_000_000 + index),
      labels,
      annotations,
      managedFields: managedFields(Object.keys(labels), Object.keys(annotations)),
    },
    spec: { nodeName: `node-${Math.floor(index / podsPerNode)}`, containers: [{ name: 'app' }, { name: 'proxy' }] },
    status: { phase: 'Running' },
  };
}

export function namespaceOf(index: number): string {
  return `team-${String(Math.floor(index / podsPerNamespace)).padStart(4, '0')}-production`;
}

function managedFields(labels: readonly string[], annotations: readonly string[]): readonly object[] {
  const container = fields(['env', 'image', 'imagePullPolicy', 'livenessProbe', 'name', 'ports', 'readinessProbe'], {
    'f:resources': fields(['limits', 'requests'], {
      'f:limits': fields(['memory']),
      'f:requests': fields(['cpu', 'memory']),
    }),
    'f:securityContext': fields(['allowPrivilegeEscalation', 'capabilities', 'readOnlyRootFilesystem', 'runAsNonRoot']),
    'f:volumeMounts': { 'k:{"mountPath":"/etc/config"}': fields(['mountPath', 'name', 'readOnly']) },
  });
  const condition = fields(['lastProbeTime', 'lastTransitionTime', 'observedGeneration', 'status', 'type']);
  const conditions = ['ContainersReady', 'Initialized', 'PodReadyToStartContainers', 'PodScheduled', 'Ready'];
  return [
    {
      manager: 'kube-controller-manager',
      fieldsV1: {
        'f:metadata': { 'f:annotations': fields(annotations), 'f:generateName': {}, 'f:labels': fields(labels) },
        'f:spec': {
          'f:containers': { 'k:{"name":"app"}': container, 'k:{"name":"proxy"}': container },
          ...fields([
            'dnsPolicy',
            'enableServiceLinks',
            'restartPolicy',
            'schedulerName',
            'serviceAccountName',
            'volumes',
          ]),
        },
      },
    },
    {
      manager: 'kubelet',
      fieldsV1: {
        'f:status': {
          'f:conditions': Object.fromEntries(conditions.map((type) => [`k:{"type":"${type}"}`, condition])),
          ...fields(['containerStatuses', 'hostIP', 'hostIPs', 'phase', 'podIP', 'podIPs', 'startTime']),
        },
      },
    },
  ];
}

function fields(names: readonly string[], more: Readonly<Record<string, object>> = {}): object {
  return { '.': {}, ...Object.fromEntries(names.map((name) => [`f:${name}`, {}])), ...more };
}

function digits(seed: number, length: number): string {
  let state = seed;
  let text = '';
  while (text.length < length) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += state.toString(16).padStart(8, '0');
  }
  return text.slice(0, length);
}
