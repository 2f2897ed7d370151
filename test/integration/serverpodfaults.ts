/** Faults of the server's pods and of the way to them, each from a public report, planted in the fake API server. */
import { condition, labels, servingPod } from '../fakes/installation.ts';
import { type ApiSideFault, change, type FaultyCluster, podName, unavailable, withoutPods } from './apisidefaults.ts';

const metricsServerImage = 'registry.k8s.io/metrics-server/metrics-server:v0.8.1';

/** kube-apiserver refuses the pods. */
function refused(cluster: FaultyCluster, message: string): void {
  withoutPods(cluster);
  const conditions = [condition('ReplicaFailure', 'True', 'FailedCreate', message)];
  change(cluster, 'Deployment', 'metrics-server', { status: { conditions } });
}

function notReady(cluster: FaultyCluster, status: object, reason = 'ContainersNotReady', message = ''): void {
  const conditions = [condition('Ready', 'False', reason, message)];
  change(cluster, 'Pod', podName, {
    status: { conditions, containerStatuses: [{ name: 'metrics-server', ready: false, ...status }] },
  });
}

/** Replaces the log of the container that ended. */
export function logged({ apiServer }: FaultyCluster, text: string): void {
  apiServer.documents.set(`/api/v1/namespaces/kube-system/pods/${podName}/log`, text);
}

/** As metrics-server prints it behind each error. */
const usage = `Usage:\n   [flags]\n\nMetrics server flags:\n${'      --flag string   A flag.\n'.repeat(60)}`;

const plainProbe = (path: string) => ({ httpGet: { path, port: 'https' } });

const crashing = {
  state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s restarting failed container' } },
};

export const serverPodFaults: readonly ApiSideFault[] = [
  {
    name: 'cilium/cilium#13852: GKE wants a quota for the priority class in the namespace',
    plant: (cluster) =>
      refused(
        cluster,
        'insufficient quota to match these scopes: [{PriorityClass In [system-node-critical system-cluster-critical]}]',
      ),
    code: 'pods-not-created',
    byHand: true,
    says: /"values":\["system-node-critical","system-cluster-critical"\].*rollout restart/s,
  },
  {
    name: 'open-policy-agent/gatekeeper#3337: the policies of a webhook deny the pods',
    plant: (cluster) =>
      refused(
        cluster,
        'admission webhook "validation.gatekeeper.sh" denied the request: [allow-privilege-escalation] Privilege escalation container is not allowed: metrics-server',
      ),
    code: 'pods-not-created',
    byHand: true,
    says: /policies of the webhook validation\.gatekeeper\.sh deny/,
  },
  {
    name: 'kubernetes-sigs/kubespray#8010: the server is killed for its memory limit',
    plant: (cluster) => {
      change(cluster, 'Pod', podName, [
        { op: 'add', path: '/spec/containers/0/resources', value: { limits: { memory: '35Mi' } } },
      ]);
      notReady(cluster, { ...crashing, lastState: { terminated: { reason: 'OOMKilled', exitCode: 137 } } });
    },
    code: 'pods-not-ready',
    byHand: true,
    says: /OOMKilled.*kubectl set resources --namespace kube-system deployment\/metrics-server --containers=metrics-server --limits=memory=70Mi/s,
  },
  {
    name: 'kubernetes-sigs/metrics-server#933: a release does not know a flag of the one before',
    plant: (cluster) => {
      const arg = { op: 'add', path: '/spec/template/spec/containers/0/args/-', value: '--logtostderr' };
      change(cluster, 'Deployment', 'metrics-server', [arg]);
      notReady(cluster, crashing);
      cluster.apiServer.documents.set(
        `/api/v1/namespaces/kube-system/pods/${podName}/log`,
        'panic: unknown flag: --logtostderr\n\ngoroutine 1 [running]:\n',
      );
    },
    code: 'pods-not-ready',
    byHand: true,
    says: /does not know the flag --logtostderr.*"op":"replace","path":"\/spec\/template\/spec\/containers\/0\/args","value":\["--secure-port=\d+","--kubelet-service-account=kubegauge-kubelets"\]/s,
  },
  {
    name: 'k0sproject/k0s#1621: the image is older than its flags',
    plant: (cluster) => {
      notReady(cluster, crashing);
      cluster.apiServer.documents.set(
        `/api/v1/namespaces/kube-system/pods/${podName}/log`,
        'Error: unknown flag: --kubelet-use-node-status-port\nUsage:\n   [flags]\n',
      );
    },
    code: 'pods-not-ready',
    byHand: true,
    // The Deployment has it no more.
    says: /does not know the flag --kubelet-use-node-status-port.*kubectl logs .* --previous/s,
  },
  {
    name: 'kubernetes/kubernetes#116133: the only node is of the control plane, whose taint the pod does not tolerate',
    plant: (cluster) => {
      const message =
        '0/1 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.';
      const conditions = [condition('PodScheduled', 'False', 'Unschedulable', message)];
      change(cluster, 'Pod', podName, { status: { phase: 'Pending', conditions } });
    },
    code: 'pods-not-ready',
    byHand: true,
    says: /"path":"\/spec\/template\/spec\/tolerations","value":\[\{"key":"node-role\.kubernetes\.io\/control-plane"/,
  },
  {
    name: 'kubernetes-sigs/metrics-server#917: the readiness probe gets 500, as no kubelet can be read',
    plant: (cluster) =>
      notReady(
        cluster,
        { state: { running: {} } },
        'ContainersNotReady',
        'containers with unready status: [metrics-server]',
      ),
    code: 'pods-not-ready',
    byHand: true,
    says: /kubegauge doctor kubelets/,
  },
  {
    name: 'kubernetes-sigs/metrics-server#532: the pod gets no connection to kube-apiserver',
    image: metricsServerImage,
    plant: (cluster) => {
      notReady(cluster, crashing);
      logged(
        cluster,
        `Error: unable to load configmap based request-header-client-ca-file: Get "https://10.96.0.1:443/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication": dial tcp 10.96.0.1:443: i/o timeout\n${usage}`,
      );
    },
    code: 'pods-not-ready',
    byHand: true,
    says: /no connection to kube-apiserver at 10\.96\.0\.1:443 \(i\/o timeout\).*kubectl get pods --all-namespaces --field-selector=spec\.nodeName=node-1 /s,
  },
  {
    name: 'kubernetes-sigs/metrics-server#379: the folder for its certificate cannot be written',
    image: metricsServerImage,
    plant: (cluster) => {
      notReady(cluster, crashing);
      const error = 'error creating self-signed certificates: mkdir apiserver.local.config: read-only file system';
      logged(cluster, `Error: ${error}\n${usage}panic: ${error}\n\ngoroutine 1 [running]:\n`);
    },
    code: 'pods-not-ready',
    byHand: true,
    says: /cannot write its certificate: mkdir apiserver\.local\.config: read-only file system.*--cert-dir=\/tmp/s,
  },
  {
    name: 'kubernetes-sigs/metrics-server#98: the server ends for another reason, which its log has',
    plant: (cluster) => {
      notReady(cluster, crashing);
      logged(cluster, `Error: open /etc/config/kubeconfig: no such file or directory\n${usage}`);
    },
    code: 'pods-not-ready',
    byHand: true,
    says: /CrashLoopBackOff: .*; its log: Error: open \/etc\/config\/kubeconfig: no such file.*kubectl logs .*--previous/s,
  },
  {
    name: 'kubernetes-retired/dashboard#5472: the probes send plain HTTP to the TLS port',
    plant: (cluster) => {
      const probes = { livenessProbe: plainProbe('/livez'), readinessProbe: plainProbe('/readyz') };
      const operations = (prefix: string) =>
        Object.entries(probes).map(([name, value]) => ({
          op: 'add',
          path: `${prefix}/spec/containers/0/${name}`,
          value,
        }));
      change(cluster, 'Pod', podName, operations(''));
      change(cluster, 'Deployment', 'metrics-server', operations('/spec/template'));
      const message = 'containers with unready status: [metrics-server]';
      notReady(cluster, { state: { running: {} } }, 'ContainersNotReady', message);
    },
    code: 'pods-not-ready',
    byHand: true,
    says: /its livenessProbe and readinessProbe send plain HTTP to a port that speaks TLS.*containers\/0\/readinessProbe\/httpGet\/scheme","value":"HTTPS"/s,
  },
  {
    name: 'kubernetes-sigs/metrics-server#1148: a replica stays Pending on a single node, as the release keeps replicas apart',
    image: metricsServerImage,
    plant: (cluster) => {
      const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels } };
      const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
      change(cluster, 'Deployment', 'metrics-server', { spec: { replicas: 2, template: { spec: { affinity } } } });
      const message =
        "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";
      const conditions = [condition('PodScheduled', 'False', 'Unschedulable', message)];
      const status = { phase: 'Pending', conditions, podIP: undefined, podIPs: undefined };
      cluster.apiServer.objects.set(
        servingPod('metrics-server-f6f4c8d5b-fghij', 'metrics-server', metricsServerImage, 10_250, status),
      );
    },
    code: 'pods-not-ready',
    severity: 'warning',
    byHand: true,
    says: /fghij\n.*others serve.*\n.*anti-affinity.*\n.*"preferredDuringSchedulingIgnoredDuringExecution":\[\{"weight":100,"podAffinityTerm":\{"topologyKey"/s,
  },
  {
    name: 'k0sproject/k0s#5503: no agent of konnectivity is connected',
    plant: (cluster) =>
      unavailable(
        cluster,
        'failing or missing response from https://10.244.0.9:10250/apis/metrics.k8s.io/v1beta1: Get "https://10.244.0.9:10250/apis/metrics.k8s.io/v1beta1": No agent available',
      ),
    code: 'api-unreachable',
    byHand: true,
    says: /konnectivity/,
  },
  {
    name: 'Azure/AKS#832: TLS handshake timeout',
    plant: (cluster) =>
      unavailable(
        cluster,
        'failing or missing response from https://10.0.189.238:443/apis/metrics.k8s.io/v1beta1: Get "https://10.0.189.238:443/apis/metrics.k8s.io/v1beta1": net/http: TLS handshake timeout',
      ),
    code: 'api-unreachable',
    byHand: true,
    says: /MTU/,
  },
  {
    name: "k3s-io/k3s#7191: kube-apiserver's proxy is asked for pods, which NO_PROXY lacks",
    plant: (cluster) =>
      unavailable(
        cluster,
        'failing or missing response from https://10.42.0.6:10250/apis/metrics.k8s.io/v1beta1: Get "https://10.42.0.6:10250/apis/metrics.k8s.io/v1beta1": proxy error from 127.0.0.1:6443 while dialing 10.42.0.6:10250, code 502: 502 Bad Gateway',
      ),
    code: 'api-unreachable',
    byHand: true,
    says: /NO_PROXY/,
  },
];
