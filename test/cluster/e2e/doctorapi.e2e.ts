/**
 * `kubegauge doctor` on a real cluster: each fault is planted, found, and ended by the remedy, which a shell executes.
 * The faults are those of public reports; `--ci` tries five of them.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, describe, test } from 'node:test';
import type { Examination } from '../../../src/doctor/examination.ts';
import { CommandFailed } from '../command.ts';
import { waitFor } from '../wait.ts';
import { examineCluster, findingOf, paste } from './examination.ts';
import { harness } from './harness.ts';
import { listServerPods } from './podserver.ts';

const shared = harness();
const { cluster, program, brief, registration } = shared;

interface PlantedFault {
  /** Names the report's repository and number, and says what went wrong there. */
  readonly name: string;
  readonly check: string;
  readonly code: string;
  readonly plant: () => Promise<unknown>;
  /** Whether it is tried with --ci, too. */
  readonly inBrief?: boolean;
  /** Puts right what the remedy leaves behind on purpose. */
  readonly tidy?: () => Promise<unknown>;
}

/** A remedy may start a pod, and kube-apiserver looks at an APIService every 30 s. */
const effectMs = 90_000;

const namespace = '--namespace=kube-system';
const beta = 'v1beta1.metrics.k8s.io';
const apply = (object: object) => cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(object) });
const patch = (what: readonly string[], change: object) =>
  cluster.kubectl(['patch', ...what, '--type=merge', '-p', JSON.stringify(change)]);
const patchService = (operations: readonly object[]) =>
  cluster.kubectl(['patch', 'service', namespace, 'metrics-server', '--type=json', '-p', JSON.stringify(operations)]);

/** A Deployment whose pods pass for metrics-server's. Its image is not there: the remedy leaves other programs alone. */
const secondDeployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'metrics-server-v0.3.6', namespace: 'kube-system' },
  spec: {
    selector: { matchLabels: { 'k8s-app': 'metrics-server', version: 'v0.3.6' } },
    template: {
      metadata: { labels: { 'k8s-app': 'metrics-server', version: 'v0.3.6' } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: 'metrics-server',
            image: 'registry.k8s.io/metrics-server/metrics-server:v0.3.6',
            imagePullPolicy: 'Never',
          },
        ],
      },
    },
  },
};

/** A slice that no controller of Kubernetes writes. Nothing answers at the default address, which is of no machine here. */
function strangeSlice(name: string, manager: string, address = '10.77.0.99') {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name,
      namespace: 'kube-system',
      labels: {
        'kubernetes.io/service-name': 'metrics-server',
        'endpointslice.kubernetes.io/managed-by': manager,
      },
    },
    addressType: 'IPv4',
    ports: [{ name: 'https', port: 10250, protocol: 'TCP' }],
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
  };
}

async function removeSecondDeployment(): Promise<void> {
  const { name } = secondDeployment.metadata;
  await cluster.kubectl(['delete', 'deployment', namespace, name, '--ignore-not-found']);
}

/**
 * Resolves when the controllers of slices and Endpoints have seen all changes of Services so far: they see them in order, and what
 * belongs to a later Service is written then.
 */
async function controllersCaughtUp(): Promise<void> {
  const name = 'kubegauge-e2e-marker';
  await apply({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'kube-system' },
    spec: { selector: { 'k8s-app': name }, ports: [{ port: 443 }] },
  });
  const written = (kind: string, which: string) => cluster.kubectl(['get', kind, namespace, which, '-o', 'name']);
  const isWritten = async () =>
    (await written('endpointslices', `--selector=kubernetes.io/service-name=${name}`)) !== '' &&
    (await written('endpoints', `--field-selector=metadata.name=${name}`)) !== '';
  await waitFor('the slice and the Endpoints of a later Service', isWritten, effectMs);
  await cluster.kubectl(['delete', 'service', namespace, name]);
}

/** Has kube-apiserver admit a pod of the server without creating it. */
function dryRunPod(): Promise<string> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'kubegauge-e2e-try', namespace: 'kube-system', labels: { 'k8s-app': 'metrics-server' } },
    spec: { containers: [{ name: 'pause', image: cluster.images.pause }] },
  };
  return cluster.kubectl(['create', '--dry-run=server', '-f', '-'], { input: JSON.stringify(pod) });
}

const removeWebhook = () =>
  cluster.kubectl(['delete', '--ignore-not-found', 'validatingwebhookconfiguration', brokenWebhook.metadata.name]);

const isWebhookError = (error: unknown): boolean => String(error).includes('failed calling webhook');

/** Its Service does not exist; only pods of the metrics server are concerned. */
const brokenWebhook = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'kubegauge-e2e-broken' },
  webhooks: [
    {
      name: 'broken.kubegauge.e2e',
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      failurePolicy: 'Fail',
      timeoutSeconds: 1,
      objectSelector: { matchLabels: { 'k8s-app': 'metrics-server' } },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
      clientConfig: { service: { namespace: 'kube-system', name: 'no-such-webhook' } },
    },
  ],
};

const dangling = {
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: { name: 'v1beta1.custom.metrics.k8s.io' },
  spec: {
    group: 'custom.metrics.k8s.io',
    version: 'v1beta1',
    groupPriorityMinimum: 100,
    versionPriority: 100,
    insecureSkipTLSVerify: true,
    service: { namespace: 'monitoring', name: 'adapter' },
  },
};
const stuckNamespace = 'kubegauge-e2e-stuck';

const faults: readonly PlantedFault[] = [
  {
    name: 'kubernetes-sigs/metrics-server#588: v1beta1 is not registered',
    check: 'apiservices',
    code: 'api-not-registered',
    plant: () => cluster.kubectl(['delete', 'apiservice', beta]),
    inBrief: true,
  },
  {
    name: 'kubernetes-sigs/prometheus-adapter#210: the server has v1, which is not registered',
    check: 'apiservices',
    code: 'v1-not-registered',
    plant: () => cluster.kubectl(['delete', 'apiservice', 'v1.metrics.k8s.io']),
  },
  {
    name: 'k3s-io/k3s#5946: the Service is gone',
    check: 'service',
    code: 'service-missing',
    plant: () => cluster.kubectl(['delete', 'service', namespace, 'metrics-server']),
  },
  {
    name: 'kubernetes-sigs/metrics-server#1093: the APIService asks for a port that the Service does not have',
    check: 'service',
    code: 'service-port-missing',
    plant: () => patchService([{ op: 'replace', path: '/spec/ports/0/port', value: 4443 }]),
    tidy: async () => {
      await patchService([{ op: 'replace', path: '/spec/ports/0/port', value: 443 }]);
      for (const name of [beta, 'v1.metrics.k8s.io']) {
        await patch(['apiservice', name], { spec: { service: { port: 443 } } });
      }
    },
  },
  {
    name: 'kubernetes-sigs/metrics-server#525: the selector has a label that the pods lack',
    check: 'service',
    code: 'selector-differs',
    plant: () => patch(['service', namespace, 'metrics-server'], { spec: { selector: { version: 'v0.3.6' } } }),
    inBrief: true,
  },
  {
    name: 'kubernetes-sigs/metrics-server#918: targetPort is the port of an older release',
    check: 'service',
    code: 'target-port-wrong',
    plant: () => patchService([{ op: 'replace', path: '/spec/ports/0/targetPort', value: 4443 }]),
  },
  {
    name: 'kubernetes-sigs/metrics-server#833: no port of the pods has the name in targetPort',
    check: 'service',
    code: 'target-port-missing',
    plant: () => patchService([{ op: 'replace', path: '/spec/ports/0/targetPort', value: 'main-port' }]),
  },
  {
    name: 'gardener/gardener#5979: the server was scaled to zero',
    check: 'service',
    code: 'scaled-to-zero',
    plant: () => cluster.kubectl(['scale', 'deployment', namespace, 'metrics-server', '--replicas=0']),
  },
  {
    name: 'kubernetes-sigs/kubebuilder#3052: a webhook without endpoints keeps the pods from being created',
    check: 'service',
    code: 'webhook-fails',
    plant: async () => {
      // One that a failed run has left excludes the namespace, and an apply would keep that.
      await removeWebhook();
      await apply(brokenWebhook);
      // kube-apiserver calls it from a moment later on, and the pod must not come back before.
      await waitFor('the webhook to be called', () => dryRunPod().then(() => false, isWebhookError), effectMs, 200);
      await cluster.kubectl(['delete', 'pods', namespace, '--selector=k8s-app=metrics-server']);
    },
    tidy: removeWebhook,
  },
  {
    name: 'k3s-io/k3s#1189: the image cannot be pulled',
    check: 'service',
    code: 'pods-not-ready',
    plant: async () => {
      // With no pod kept beside the new one.
      await patch(['deployment', namespace, 'metrics-server'], {
        spec: { strategy: { type: 'Recreate', rollingUpdate: null } },
      });
      await cluster.kubectl([
        'set',
        'image',
        namespace,
        'deployment/metrics-server',
        'metrics-server=kubegauge:missing',
      ]);
    },
  },
  {
    name: 'kubernetes-retired/dashboard#5472: the readiness probe sends plain HTTP to the TLS port',
    check: 'service',
    code: 'pods-not-ready',
    plant: () =>
      cluster.kubectl([
        'patch',
        'deployment',
        namespace,
        'metrics-server',
        '--patch',
        JSON.stringify({
          spec: {
            // With no pod kept beside the new one.
            strategy: { type: 'Recreate', rollingUpdate: null },
            template: {
              spec: { containers: [{ name: 'metrics-server', readinessProbe: { httpGet: { scheme: 'HTTP' } } }] },
            },
          },
        }),
      ]),
  },
  {
    name: 'kubernetes-sigs/metrics-server#90: users who are no administrators may not read metrics',
    check: 'rights',
    code: 'readers-missing',
    plant: () => cluster.kubectl(['delete', 'clusterrole', 'system:aggregated-metrics-reader']),
  },
  {
    name: 'kubernetes-sigs/metrics-server#576: caBundle is not of the CA that signed the serving certificate',
    check: 'ca-bundle',
    code: 'bundle-mismatch',
    plant: async () => {
      const caBundle = (await readFile(cluster.caFile)).toString('base64');
      for (const name of [beta, 'v1.metrics.k8s.io']) {
        await patch(['apiservice', name], {
          // Otherwise the pod would put its root back at once.
          metadata: { annotations: { 'kubegauge.io/keep-off-ca-bundle': 'true' } },
          spec: { caBundle, insecureSkipTLSVerify: null },
        });
      }
    },
    inBrief: true,
    tidy: () => endWithRemedies({ check: 'ca-bundle', code: 'bundle-kept-off' }),
  },
  {
    name: 'kubernetes-sigs/apiserver-network-proxy#902: caBundle holds no certificate that can be parsed',
    check: 'ca-bundle',
    code: 'bundle-unreadable',
    plant: async () => {
      const caBundle = Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n').toString('base64');
      const annotations = { 'kubegauge.io/keep-off-ca-bundle': 'true' };
      await patch(['apiservice', beta], { metadata: { annotations }, spec: { caBundle, insecureSkipTLSVerify: null } });
    },
    tidy: () => cluster.kubectl(['annotate', 'apiservice', beta, 'kubegauge.io/keep-off-ca-bundle-']),
  },
  {
    name: 'kubernetes-sigs/metrics-server#277: the server may not create SubjectAccessReviews',
    check: 'rights',
    code: 'right-missing',
    plant: () => cluster.kubectl(['delete', 'clusterrolebinding', 'kubegauge:system:auth-delegator']),
    inBrief: true,
  },
  {
    name: 'kubernetes-sigs/kubespray#3829: the account that kubelets see may not read their metrics',
    check: 'rights',
    code: 'right-missing',
    plant: () => cluster.kubectl(['delete', 'clusterrole', 'system:kubegauge-kubelets']),
  },
  {
    name: 'kubernetes-sigs/metrics-server#1077: the server may not read extension-apiserver-authentication',
    check: 'rights',
    code: 'right-missing',
    plant: () => cluster.kubectl(['delete', 'rolebinding', namespace, 'kubegauge-auth-reader']),
  },
  {
    name: 'k3s-io/k3s#4496: a NetworkPolicy of a hardened cluster admits only its own namespace',
    check: 'network-policies',
    code: 'network-policy-blocks',
    plant: () =>
      apply({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: 'intra-namespace', namespace: 'kube-system' },
        spec: {
          podSelector: {},
          policyTypes: ['Ingress'],
          ingress: [{ from: [{ namespaceSelector: { matchLabels: { name: 'kube-system' } } }] }],
        },
      }),
    tidy: () => cluster.kubectl(['delete', 'networkpolicy', namespace, 'intra-namespace', 'allow-metrics-server']),
  },
  {
    name: 'kubernetes/kubernetes#85353: a slice that another program manages sends requests elsewhere',
    check: 'service',
    code: 'endpoint-by-hand',
    plant: () => apply(strangeSlice('metrics-server-custom', 'custom')),
  },
  {
    name: 'kubernetes/kubernetes#123954: the port of a slice by hand has another name than that of the Service',
    check: 'service',
    code: 'endpoints-missing',
    plant: async () => {
      await patchService([{ op: 'remove', path: '/spec/selector' }]);
      // The controllers follow a Service without a selector no more: neither its slices nor its Endpoints. Until they have seen it, they write both again.
      await controllersCaughtUp();
      await cluster.kubectl(['delete', 'endpoints', namespace, 'metrics-server']);
      const ofService = '--selector=kubernetes.io/service-name=metrics-server';
      await cluster.kubectl(['delete', 'endpointslices', namespace, ofService]);
      const [pod] = await listServerPods(cluster);
      const slice = strangeSlice('metrics-server-by-hand', 'custom', pod?.status?.podIP);
      await apply({ ...slice, ports: [{ ...slice.ports[0], name: 'web' }] });
    },
    tidy: async () => {
      await cluster.kubectl(['delete', 'endpointslice', namespace, 'metrics-server-by-hand', '--ignore-not-found']);
      await patchService([{ op: 'add', path: '/spec/selector', value: { 'k8s-app': 'metrics-server' } }]);
    },
  },
  {
    name: 'kubernetes/kubernetes#30899: pods of two Deployments are behind the Service',
    check: 'installations',
    code: 'two-deployments',
    plant: () => apply(secondDeployment),
    tidy: removeSecondDeployment,
  },
  {
    name: 'kubernetes-sigs/metrics-server#614: Helm and kubectl apply write the same APIService',
    check: 'installations',
    code: 'two-writers',
    plant: () =>
      cluster.kubectl([
        'annotate',
        'apiservice',
        beta,
        'meta.helm.sh/release-name=metrics-server',
        'kubectl.kubernetes.io/last-applied-configuration={}',
        '--overwrite',
      ]),
    tidy: () => cluster.kubectl(['annotate', 'apiservice', beta, 'meta.helm.sh/release-name-']),
  },
  {
    name: 'kubernetes/kubernetes#75788: an APIService without a server keeps a namespace from ending',
    check: 'namespaces',
    code: 'apiservice-dangling',
    plant: async () => {
      await cluster.kubectl(['create', 'namespace', stuckNamespace]);
      await apply(dangling);
      await cluster.kubectl(['delete', 'namespace', stuckNamespace, '--wait=false']);
      await findingOf(cluster, { check: 'namespaces', code: 'namespace-stuck', object: stuckNamespace }, effectMs);
    },
    inBrief: true,
    tidy: () =>
      waitFor(
        'the namespace to end',
        async () => (await cluster.kubectl(['get', 'namespace', stuckNamespace, '--ignore-not-found'])).trim() === '',
        180_000,
        1_000,
      ),
  },
];

/** Pastes each remedy of findings of the code, until there is none. An object may get another one: a pod's image is pulled later. Returns the problems. */
async function endWithRemedies({ check, code }: Pick<PlantedFault, 'check' | 'code'>): Promise<readonly string[]> {
  const pasted = new Map<string, string>();
  await waitFor(
    `no ${code} to be left`,
    async () => {
      const { findings } = await examineCluster(cluster, check);
      const left = findings.filter((finding) => finding.code === code);
      for (const finding of left.filter(({ object, remedy }) => !pasted.has(`${object}: ${remedy}`))) {
        await paste(cluster, finding);
        pasted.set(`${finding.object}: ${finding.remedy}`, `${finding.object}: ${finding.problem}`);
      }
      if (left.length > 0) throw new Error(JSON.stringify(left));
      return true;
    },
    effectMs,
    1_000,
  );
  return [...pasted.values()];
}

/** Runs doctor with the server's own rights. */
async function examineInPod(): Promise<Examination> {
  const exec = ['exec', namespace, 'deployment/metrics-server', '--', '/metrics-server', 'doctor'];
  try {
    return JSON.parse(await cluster.kubectl([...exec, '--cert-dir=/tmp', '--secure-port=10250', '-o', 'json']));
  } catch (error) {
    // kubectl ends with the exit code of the command.
    if (error instanceof CommandFailed && error.stdout !== '') return JSON.parse(error.stdout);
    throw error;
  }
}

describe('doctor on the way to the server', { skip: program.name !== 'kubegauge' && 'it examines our own pod' }, () => {
  before(async () => {
    // A run that was ended has left it behind.
    await removeSecondDeployment();
    await shared.basePod();
  });

  for (const [place, examine] of [
    ['outside', () => examineCluster(cluster)],
    ['the pod', examineInPod],
  ] as const) {
    test(`from ${place}, it finds no error with what manifests/base installs`, async (t) => {
      const look = async () => {
        const examination = await examine();
        const errors = examination.findings.filter(({ severity }) => severity === 'error');
        if (errors.length > 0) throw new Error(JSON.stringify(errors));
        return examination;
      };
      // A server that has just started has no usage of some pods yet.
      const { findings, place: seenFrom } = await waitFor('no error to be left', look, 60_000, 2_000);
      for (const { severity, code, object, problem } of findings) {
        t.diagnostic(`${severity} ${code} ${object}: ${problem}`);
      }
      assert.equal(seenFrom, place === 'outside' ? 'outside' : 'pod');
      if (place === 'outside') assert.ok(findings.some(({ code }) => code === 'served-by'));
    });
  }

  for (const fault of faults) tryFault(fault);
});

function tryFault({ name, check, code, plant, inBrief = false, tidy }: PlantedFault): void {
  test(name, { skip: brief && !inBrief && 'by hand: it takes its time' }, async (t) => {
    try {
      await plant();
      await findingOf(cluster, { check, code, object: '' }, effectMs);
      for (const problem of await endWithRemedies({ check, code })) t.diagnostic(problem);
    } finally {
      await tidy?.();
    }
    await registration.available();
  });
}
