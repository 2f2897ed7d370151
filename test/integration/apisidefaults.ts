/** Faults between kube-apiserver and the server, each from a public report, planted in the fake API server. */
import assert from 'node:assert/strict';
import type { ReportedFinding } from '../../src/doctor/finding.ts';
import type { FakeApiServer } from '../fakes/apiserver.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import {
  apiService,
  condition,
  deployment,
  type Installation,
  namespace,
  serviceName,
  servingPod,
} from '../fakes/installation.ts';
import { applyJsonPatch } from '../fakes/jsonpatch.ts';
import { mergePatched } from '../fakes/kubectl.ts';
import { authenticationConfigMap, type Kind, type KubeObject } from '../fakes/kubeobjects.ts';

export interface FaultyCluster {
  readonly apiServer: FakeApiServer;
  readonly installation: Installation;
}

export interface ApiSideFault {
  /** Names the report's repository and number, and says what went wrong there. */
  readonly name: string;
  readonly image?: string;
  readonly plant: (cluster: FaultyCluster) => void;
  readonly code: string;
  readonly severity?: ReportedFinding['severity'];
  /** Whether the remedy is for the hands of an operator: flags of kube-apiserver, files on its machine. */
  readonly byHand?: boolean;
  readonly place?: 'outside';
  /** Must be in the finding. */
  readonly says?: RegExp;
}

const dayMs = 24 * 60 * 60_000;

/** Changes an object of the fake by a merge patch, or by a JSON patch. */
export function change({ apiServer }: FaultyCluster, kind: Kind, name: string, patch: object): void {
  const ofCluster = kind === 'APIService' || kind === 'Namespace';
  const object = apiServer.objects.get(kind, name, ofCluster ? undefined : namespace);
  assert.ok(object, `${kind} ${name}`);
  const isJsonPatch = Array.isArray(patch);
  apiServer.objects.set(
    isJsonPatch ? applyJsonPatch(object, JSON.stringify(patch)) : (mergePatched(object, patch) as KubeObject),
  );
}

export const beta = 'v1beta1.metrics.k8s.io';
export const podName = 'metrics-server-f6f4c8d5b-abcde';
const metricsServerImage = 'registry.k8s.io/metrics-server/metrics-server:v0.8.1';
export const base64 = (text: string): string => Buffer.from(text).toString('base64');
const allVersions = [beta, 'v1.metrics.k8s.io'];

/** Adds an object whose kind the other helpers do not make. */
export function add({ apiServer }: FaultyCluster, kind: Kind, apiVersion: string, name: string, rest: object): void {
  const ofCluster = kind.endsWith('WebhookConfiguration') || kind === 'Namespace';
  const object = { kind, apiVersion, metadata: { name, ...(ofCluster ? {} : { namespace }) }, ...rest };
  apiServer.objects.set(object);
}

/** kube-apiserver's own check failed. */
export function unavailable(cluster: FaultyCluster, message: string): void {
  const conditions = [condition('Available', 'False', 'FailedDiscoveryCheck', message)];
  change(cluster, 'APIService', beta, { status: { conditions } });
}

export function withoutPods(cluster: FaultyCluster): void {
  cluster.apiServer.objects.delete('Pod', podName, namespace);
}

export const apiSideFaults: readonly ApiSideFault[] = [
  {
    name: 'kubernetes-sigs/metrics-server#588: v1beta1 is not registered',
    plant: ({ apiServer }) => apiServer.objects.delete('APIService', beta),
    code: 'api-not-registered',
  },
  {
    name: 'kubernetes-sigs/prometheus-adapter#210: the server has v1, which is not registered',
    plant: ({ apiServer }) => apiServer.objects.delete('APIService', 'v1.metrics.k8s.io'),
    code: 'v1-not-registered',
    severity: 'warning',
  },
  {
    name: 'prometheus-operator/kube-prometheus#2086: another adapter has taken v1beta1',
    plant: (cluster) => {
      change(cluster, 'APIService', 'v1.metrics.k8s.io', { spec: { service: { name: 'prometheus-adapter' } } });
    },
    code: 'versions-differ',
    severity: 'warning',
  },
  {
    name: 'kubernetes-sigs/metrics-server#1084: the server answers kube-apiserver 403',
    plant: (cluster) =>
      unavailable(
        cluster,
        'failing or missing response from https://10.0.1.197:8443/apis/metrics.k8s.io/v1beta1: bad status from https://10.0.1.197:8443/apis/metrics.k8s.io/v1beta1: 403',
      ),
    code: 'api-rejects-kube-apiserver',
    byHand: true,
    says: /answers kube-apiserver 403/,
  },
  {
    name: 'kubernetes-sigs/metrics-server#208: kube-apiserver has no route to the server',
    plant: (cluster) =>
      unavailable(
        cluster,
        'no response from https://10.0.0.33:443: Get https://10.0.0.33:443: dial tcp 10.0.0.33:443: connect: no route to host',
      ),
    code: 'api-unreachable',
    byHand: true,
  },
  {
    name: 'k3s-io/k3s#5946: the Service is gone and the APIService is left, so namespaces stay',
    plant: ({ apiServer }) => apiServer.objects.delete('Service', serviceName, namespace),
    code: 'service-missing',
    // Its labels too: a ServiceMonitor finds a Service by them, and its EndpointSlices get them.
    says: /"labels":\{"k8s-app":"metrics-server"\}/,
  },
  {
    name: 'kubernetes-sigs/metrics-server#1093: the APIService asks for a port that the Service does not have',
    plant: (cluster) =>
      change(cluster, 'Service', serviceName, [{ op: 'replace', path: '/spec/ports/0/port', value: 4443 }]),
    code: 'service-port-missing',
    says: /v1beta1\.metrics\.k8s\.io and v1\.metrics\.k8s\.io ask for port 443/,
  },
  {
    name: 'kubernetes-sigs/metrics-server#525: the selector has a label that the pods lack',
    plant: (cluster) => change(cluster, 'Service', serviceName, { spec: { selector: { version: 'v0.3.6' } } }),
    code: 'selector-differs',
    says: /version=v0\.3\.6/,
  },
  {
    name: 'gardener/gardener#5979: the server was scaled to zero',
    plant: (cluster) => {
      withoutPods(cluster);
      change(cluster, 'Deployment', 'metrics-server', { spec: { replicas: 0 } });
    },
    code: 'scaled-to-zero',
  },
  {
    name: 'kubernetes-sigs/kubebuilder#3052: a webhook without endpoints keeps the pods from being created',
    plant: (cluster) => {
      withoutPods(cluster);
      const message =
        'Internal error occurred: failed calling webhook "mpod.kb.io": Post "https://webhook.system.svc:443/mutate-v1-pod": no endpoints available for service "webhook"';
      change(cluster, 'Deployment', 'metrics-server', {
        status: { conditions: [condition('ReplicaFailure', 'True', 'FailedCreate', message)] },
      });
      const webhooks = [{ name: 'other.kb.io' }, { name: 'mpod.kb.io', failurePolicy: 'Fail', namespaceSelector: {} }];
      const apiVersion = 'admissionregistration.k8s.io/v1';
      add(cluster, 'MutatingWebhookConfiguration', apiVersion, 'mutating-webhook', { webhooks });
    },
    code: 'webhook-fails',
    says: /NotIn.*rollout restart/s,
  },
  {
    name: 'k3s-io/k3s#1189: the image cannot be pulled',
    plant: (cluster) =>
      change(cluster, 'Pod', podName, {
        status: {
          containerStatuses: [
            {
              name: 'metrics-server',
              state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image' } },
            },
          ],
          conditions: [condition('Ready', 'False', 'ContainersNotReady', '')],
        },
      }),
    code: 'pods-not-ready',
    byHand: true,
    says: /ImagePullBackOff.*kubectl describe pod/s,
  },
  {
    name: 'kubernetes-sigs/metrics-server#1282: containerPort is not the port on which the server listens',
    plant: (cluster) => {
      const path = 'spec/containers/0/ports/0/containerPort';
      change(cluster, 'Pod', podName, [{ op: 'replace', path: `/${path}`, value: 4443 }]);
      const inTemplate = `/spec/template/${path}`;
      change(cluster, 'Deployment', 'metrics-server', [{ op: 'replace', path: inTemplate, value: 4443 }]);
    },
    code: 'target-port-wrong',
    byHand: true,
    says: /containerPort/,
  },
  {
    name: 'kubernetes-sigs/metrics-server#918: targetPort is the port of an older release',
    plant: (cluster) =>
      change(cluster, 'Service', serviceName, [{ op: 'replace', path: '/spec/ports/0/targetPort', value: 4443 }]),
    code: 'target-port-wrong',
  },
  {
    name: "kubernetes-sigs/metrics-server#424: kube-apiserver has no way into the pods' network",
    plant: ({ apiServer, installation: { port } }) => {
      const message = `error trying to reach service: dial tcp 10.244.1.4:${port}: connect: no route to host`;
      const status = {
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        reason: 'ServiceUnavailable',
        code: 503,
        message,
      };
      apiServer.documents.set(`/api/v1/namespaces/${namespace}/pods/https:${podName}:${port}/proxy/livez`, status);
    },
    code: 'endpoint-unreachable',
    place: 'outside',
    byHand: true,
    says: /no route to host/,
  },
  {
    name: 'kubernetes-sigs/metrics-server#833: no port of the pods has the name in targetPort',
    plant: (cluster) =>
      change(cluster, 'Service', serviceName, [
        { op: 'replace', path: '/spec/ports/0/targetPort', value: 'main-port' },
      ]),
    code: 'target-port-missing',
  },
  {
    name: 'kubernetes-sigs/metrics-server#576: caBundle is not of the CA that signed the serving certificate',
    plant: (cluster) => {
      const bundle = base64(makeAuthority('another CA').cert);
      for (const name of allVersions) change(cluster, 'APIService', name, { spec: { caBundle: bundle } });
    },
    code: 'bundle-mismatch',
    says: /signed by unknown authority/,
  },
  {
    name: 'scality/metalk8s#1624: neither caBundle nor insecureSkipTLSVerify, and a certificate that no system knows',
    plant: (cluster) => {
      for (const name of allVersions) change(cluster, 'APIService', name, { spec: { caBundle: null } });
      unavailable(cluster, 'x509: certificate signed by unknown authority');
    },
    code: 'bundle-mismatch',
    says: /system's roots/,
  },
  {
    name: 'kubernetes-sigs/metrics-server#1221: the certificate is for other names',
    plant: ({ installation }) => installation.show(installation.authority, { dns: ['localhost'] }),
    code: 'certificate-name',
  },
  {
    name: 'kubernetes/kubernetes#112706: the serving certificate has expired',
    plant: ({ installation }) => {
      const notAfter = new Date(Date.now() - dayMs);
      installation.show(installation.authority, { notBefore: new Date(Date.now() - 30 * dayMs), notAfter });
    },
    code: 'certificate-expired',
  },
  {
    name: 'kubernetes-sigs/apiserver-network-proxy#902: caBundle holds no certificate that can be parsed',
    plant: (cluster) => {
      for (const name of allVersions) {
        change(cluster, 'APIService', name, { spec: { caBundle: base64('-----BEGIN CERTIFICATE-----\nAAAA\n') } });
      }
    },
    code: 'bundle-unreadable',
  },
  {
    name: 'kubernetes-sigs/metrics-server#544: the release leaves kube-apiserver without verification',
    image: metricsServerImage,
    plant: (cluster) => change(cluster, 'APIService', beta, { spec: { caBundle: null, insecureSkipTLSVerify: true } }),
    code: 'tls-not-verified',
    severity: 'warning',
    says: /last-applied-configuration-\nkubectl apply -k/,
    byHand: true,
  },
  {
    name: 'kubernetes-sigs/metrics-server#277: the server may not create SubjectAccessReviews',
    plant: ({ apiServer }) => apiServer.objects.delete('ClusterRoleBinding', 'kubegauge:system:auth-delegator'),
    code: 'right-missing',
    says: /create tokenreviews\.authentication\.k8s\.io, create subjectaccessreviews/,
  },
  {
    name: 'kubernetes-sigs/metrics-server#1077: the server may not read extension-apiserver-authentication',
    plant: ({ apiServer }) => apiServer.objects.delete('RoleBinding', 'kubegauge-auth-reader', namespace),
    code: 'right-missing',
    says: /list configmaps kube-system\/extension-apiserver-authentication/,
  },
  {
    name: 'kubernetes-sigs/kubespray#3829: the account that kubelets see may not read their metrics',
    plant: ({ apiServer }) => apiServer.objects.delete('ClusterRole', 'system:kubegauge-kubelets'),
    code: 'right-missing',
    says: /kubegauge-kubelets.*get nodes\/metrics/s,
  },
  {
    name: 'kubernetes-sigs/metrics-server#40: no ClusterRole at all for metrics-server',
    image: metricsServerImage,
    plant: () => undefined,
    code: 'right-missing',
    says: /system:metrics-server/,
  },
  {
    name: 'kubernetes-sigs/metrics-server#90: users who are no administrators may not read metrics',
    plant: ({ apiServer }) => {
      apiServer.objects.set({
        kind: 'ClusterRole',
        apiVersion: 'rbac.authorization.k8s.io/v1',
        metadata: { name: 'view' },
        rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }],
      });
    },
    code: 'readers-missing',
    severity: 'warning',
    place: 'outside',
    // kube-controller-manager adds its rules to those of view.
    byHand: true,
    says: /"name":"system:aggregated-metrics-reader".*"rbac\.authorization\.k8s\.io\/aggregate-to-view":"true"/s,
  },
  {
    name: 'stefanprodan/k8s-prom-hpa#26: there is no extension-apiserver-authentication',
    plant: ({ apiServer }) => apiServer.objects.delete('ConfigMap', 'extension-apiserver-authentication', namespace),
    code: 'front-proxy-configmap-missing',
    byHand: true,
  },
  {
    name: 'kubernetes-sigs/metrics-server#22: kube-apiserver has no requestheader-client-ca-file',
    plant: ({ apiServer, installation }) =>
      apiServer.objects.set(authenticationConfigMap({ clientCa: installation.authority.cert })),
    code: 'front-proxy-ca-missing',
    byHand: true,
  },
  {
    name: 'kubernetes-sigs/metrics-server#1059: the CA of the front proxy has expired',
    plant: ({ apiServer }) => {
      const validity = { notBefore: new Date(Date.now() - 30 * dayMs), notAfter: new Date(Date.now() - dayMs) };
      apiServer.objects.set(
        authenticationConfigMap({ requestHeaderCa: makeAuthority('front-proxy-ca', validity).cert }),
      );
    },
    code: 'front-proxy-ca-expired',
    byHand: true,
  },
  {
    name: 'servicemeshinterface/smi-metrics#50: any name is accepted of the front proxy',
    plant: ({ apiServer }) =>
      apiServer.objects.set(authenticationConfigMap({ requestHeaderCa: makeAuthority().cert, allowedNames: [] })),
    code: 'front-proxy-any-name',
    severity: 'warning',
    byHand: true,
  },
  {
    name: 'k3s-io/k3s#4496: a NetworkPolicy of a hardened cluster admits only its own namespace',
    plant: (cluster) =>
      add(cluster, 'NetworkPolicy', 'networking.k8s.io/v1', 'intra-namespace', {
        spec: {
          podSelector: {},
          policyTypes: ['Ingress'],
          ingress: [{ from: [{ namespaceSelector: { matchLabels: { name: 'kube-system' } } }] }],
        },
      }),
    code: 'network-policy-blocks',
    severity: 'warning',
  },
  {
    name: 'kubernetes/kubernetes#30899: pods of two Deployments are behind the Service',
    plant: ({ apiServer, installation: { port } }) => {
      apiServer.objects.set(deployment('metrics-server-v0.3.6', metricsServerImage, port));
      const pod = servingPod(
        'metrics-server-v0.3.6-f6f4c8d5b-zzzzz',
        'metrics-server-v0.3.6',
        metricsServerImage,
        port,
      );
      apiServer.objects.set(pod);
    },
    code: 'two-deployments',
    byHand: true,
    says: /kubectl delete deployment --namespace kube-system metrics-server-v0\.3\.6/,
  },
  {
    name: 'kubernetes-sigs/metrics-server#614: Helm and kubectl apply write the same APIService',
    plant: (cluster) =>
      change(cluster, 'APIService', beta, {
        metadata: {
          annotations: {
            'meta.helm.sh/release-name': 'metrics-server',
            'kubectl.kubernetes.io/last-applied-configuration': '{}',
          },
        },
      }),
    code: 'two-writers',
    severity: 'warning',
  },
  {
    name: 'Azure/aks-engine#4692: the addon manager puts its version back',
    plant: (cluster) =>
      change(cluster, 'APIService', beta, { metadata: { labels: { 'addonmanager.kubernetes.io/mode': 'Reconcile' } } }),
    code: 'addon-manager',
    severity: 'warning',
  },
  {
    name: 'polardb/polardbx-operator#59: the distribution has a metrics-server of its own',
    plant: (cluster) => {
      cluster.apiServer.objects.set(deployment('rke2-metrics-server', metricsServerImage, 10_250));
      const labels = { 'k8s-app': null, app: 'rke2-metrics-server' };
      const spec = { selector: { matchLabels: labels }, template: { metadata: { labels } } };
      change(cluster, 'Deployment', 'rke2-metrics-server', { spec });
    },
    code: 'second-installation',
    severity: 'warning',
  },
  {
    name: 'kubernetes/kubernetes#75788: an APIService of another group has no server',
    plant: ({ apiServer }) => {
      const dangling = apiService(
        'v1beta1',
        { service: { namespace: 'monitoring', name: 'adapter' } },
        'custom.metrics.k8s.io',
      );
      const status = {
        conditions: [condition('Available', 'False', 'ServiceNotFound', 'service/adapter is not present')],
      };
      apiServer.objects.set({ ...dangling, status });
    },
    code: 'apiservice-dangling',
    says: /does not exist/,
  },
  {
    name: 'kubernetes/kubernetes#60807: a namespace stays Terminating because discovery fails',
    plant: (cluster) => {
      const message =
        'Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: custom.metrics.k8s.io/v1beta1: stale GroupVersion discovery';
      const conditions = [condition('NamespaceDeletionDiscoveryFailure', 'True', 'DiscoveryFailed', message)];
      add(cluster, 'Namespace', 'v1', 'old-team', { status: { phase: 'Terminating', conditions } });
    },
    code: 'namespace-stuck',
    byHand: true,
    says: /^# if that server is not needed any more\nkubectl delete apiservice v1beta1\.custom\.metrics\.k8s\.io/m,
  },
];
