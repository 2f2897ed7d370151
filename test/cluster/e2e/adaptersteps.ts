/** kubectl's arguments of the way from prometheus-adapter and back: docs/migrate-from-prometheus-adapter.md has these commands, and prometheusadapter.e2e.ts runs them in this order. */
import type { Step } from './takeoversteps.ts';

export const externalApiService = 'v1beta1.external.metrics.k8s.io';
const v1beta1 = ['v1beta1.custom.metrics.k8s.io', externalApiService] as const;
/** The version that autoscalers prefer; prometheus-adapter's manifests need not have it. */
const v1beta2 = 'v1beta2.custom.metrics.k8s.io';
const moved = [...v1beta1, v1beta2] as const;
const waitForMoved = [
  'wait',
  '--for=condition=Available',
  '--timeout=1m',
  ...moved.map((name) => `apiservice/${name}`),
] as const;

/** Brings rules, flags and rights to the server, while the adapter goes on serving. */
export const prepareBeside: readonly Step[] = [
  ['apply', '-k', 'my-cluster', '--selector', '!kubegauge.io/registers'],
  ['-n', 'kube-system', 'rollout', 'status', 'deployment/metrics-server', '--timeout=2m'],
];

/** From prometheus-adapter to kubegauge. */
export const takeOverFromAdapter: readonly Step[] = [
  ['annotate', 'apiservice', ...v1beta1, 'kubectl.kubernetes.io/last-applied-configuration-'],
  ['apply', '-k', 'my-cluster'],
  waitForMoved,
];

const servedByAdapter = JSON.stringify({
  spec: {
    caBundle: null,
    insecureSkipTLSVerify: true,
    service: { namespace: 'monitoring', name: 'prometheus-adapter', port: 443 },
  },
});

/** From kubegauge to prometheus-adapter, which still runs. */
export const goBackToAdapter: readonly Step[] = [
  ['patch', 'apiservice', ...moved, '--type=merge', '-p', servedByAdapter],
  waitForMoved,
  ['get', 'hpa', '--all-namespaces'],
];

/** Gives one group to another server, as KEDA has it, while custom.metrics.k8s.io stays with kubegauge. No document has it. */
export const giveExternalAway: readonly Step[] = [
  ['patch', 'apiservice', externalApiService, '--type=merge', '-p', servedByAdapter],
  ['wait', '--for=condition=Available', '--timeout=1m', `apiservice/${externalApiService}`],
];
