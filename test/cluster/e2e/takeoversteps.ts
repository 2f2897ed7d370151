/** kubectl's arguments of a takeover and of the way back: documents have these commands, and takeover.e2e.ts runs them in this order. */
const v1beta1 = 'v1beta1.metrics.k8s.io';
const rolloutStatus = ['-n', 'kube-system', 'rollout', 'status', 'deployment/metrics-server', '--timeout=2m'] as const;

/** Milliseconds for one step: more than its own --timeout. */
export const stepTimeoutMs = 130_000;

/**
 * Returns the arguments that apply standard input in place of the file or folder of a document, since a test applies
 * objects that fit its cluster; undefined for a step that applies nothing.
 */
export function applyInput(step: Step): Step | undefined {
  return step[0] === 'apply' ? [...step.slice(0, -2), '-f', '-'] : undefined;
}

export type Step = readonly string[];

/** From metrics-server's release manifests to kubegauge. */
export const takeOver: readonly Step[] = [
  ['annotate', 'apiservice', v1beta1, 'kubectl.kubernetes.io/last-applied-configuration-'],
  ['apply', '-k', 'my-cluster'],
  rolloutStatus,
];

/** Before it where metrics-server was applied server-side: the first step of `takeOver`, and a second owner for the field. */
export const ownInsecure: readonly Step[] = [
  ['annotate', 'apiservice', v1beta1, 'kubectl.kubernetes.io/last-applied-configuration-'],
  ['apply', '--server-side', '--field-manager=kubegauge-takeover', '-f', '-'],
];
/** The input of its second step. */
export const insecureApiService = {
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: { name: v1beta1 },
  spec: { insecureSkipTLSVerify: true },
} as const;

/** After it, in place of the second step of `takeOver`. */
export const takeOverServerSide: readonly Step[] = [
  ['apply', '--server-side', '--force-conflicts', '-k', 'my-cluster'],
  rolloutStatus,
];

/** From kubegauge to metrics-server. */
export const goBack: readonly Step[] = [
  [
    'patch',
    'apiservice',
    v1beta1,
    '--type=merge',
    '-p',
    JSON.stringify({
      metadata: { annotations: { 'kubegauge.io/keep-off-ca-bundle': '' } },
      spec: { caBundle: null, insecureSkipTLSVerify: true },
    }),
  ],
  ['delete', 'apiservice', 'v1.metrics.k8s.io'],
  ['apply', '-f', 'https://github.com/kubernetes-sigs/metrics-server/releases/latest/download/components.yaml'],
  rolloutStatus,
];

/** The first step after the way back; the others remove objects, which the test does by their names. */
export const allowBundle: Step = ['annotate', 'apiservice', v1beta1, 'kubegauge.io/keep-off-ca-bundle-'];
