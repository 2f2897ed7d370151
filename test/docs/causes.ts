/** Why a kubelet cannot be read, for docs/troubleshooting.md: what the program's own message and remedy leave open. */
import type { ExplanationCode } from '../../src/kubelet/explain/explanation.ts';

interface Cause {
  readonly why: string;
  /** Lines for a shell: `$NODE` is the node's name, `$IP` its address. */
  readonly commands: string;
}

const requestCertificate = [
  'ssh -n $NODE "echo \'serverTLSBootstrap: true\' | sudo tee -a /var/lib/kubelet/config.yaml && sudo systemctl restart kubelet"',
  'kubectl get csr',
  'kubectl certificate approve <name>',
].join('\n');
const approve = 'kubectl get csr\nkubectl describe csr <name>\nkubectl certificate approve <name>';
const tryConnection =
  'kubectl -n kube-system run try-kubelet --rm -i --restart=Never --image=curlimages/curl -- -vk --max-time 5 https://$IP:10250/healthz';
const kubeletState = 'kubectl describe node/$NODE\nssh -n $NODE systemctl status kubelet';
const kubeletLog = 'ssh -n $NODE sudo journalctl -u kubelet --since -10min';
const serverFlags =
  "kubectl -n kube-system get deployment/metrics-server -o jsonpath='{.spec.template.spec.containers[0].args}'";
const certificateOf =
  'ssh -n $NODE "openssl s_client -connect localhost:10250 < /dev/null 2> /dev/null | openssl x509 -noout -text"';

export const causes: Readonly<Record<ExplanationCode, Cause>> = {
  UnknownAuthority: {
    why: 'Kubelets without `serverTLSBootstrap` make their serving certificates themselves, which is what kubeadm sets up. metrics-server reports it as `x509: certificate signed by unknown authority`. Where the kubelets cannot be changed, [pin their keys](../manifests/components/kubelet-pins/README.md).',
    commands: requestCertificate,
  },
  CertificateNamesNeither: {
    why: "The certificate is of a trusted CA, but names neither the address nor the Node. metrics-server, which does not accept the Node's name, reports `x509: cannot validate certificate for <address> because it doesn't contain any IP SANs`.",
    commands: certificateOf,
  },
  CertificateExpired: {
    why: 'A kubelet renews its certificate by a signing request, which an approver has to approve again. A self-signed certificate is renewed only if its file is gone.',
    commands: approve,
  },
  CertificateNotYetValid: {
    why: 'The clock of the signer was ahead of ours when it signed, or ours is behind.',
    commands: 'ssh -n $NODE timedatectl',
  },
  CertificateNotForServers: {
    why: 'The kubelet serves a client certificate: `tlsCertFile` of its configuration is the wrong file.',
    commands: certificateOf,
  },
  KubeletKeyChanged: {
    why: "With `--kubelet-tls=pin`, the kubelet's key is not the one of its first scrape: its certificate files were replaced, or another host has the address.",
    commands: 'kubegauge trust $NODE',
  },
  KubeletKeyUnrecorded: {
    why: 'With `--kubelet-tls=pin`, a key counts once it is written to the ConfigMap of pins, and that failed.',
    commands: 'kubectl apply -k my-cluster    # your kustomization with components/kubelet-pins',
  },
  KubeletPinsFull: {
    why: 'With `--kubelet-tls=pin`, the ConfigMap of pins has no room: about 7,000 nodes fit. Pins of nodes that are gone leave after an hour, and after five minutes while more than half of the room is taken.',
    commands:
      'kubectl -n kube-system get configmap kubegauge-kubelet-pins -o jsonpath={.data.pins} | wc\nkubectl get nodes --no-headers | wc -l',
  },
  ServingCertificatePending: {
    why: 'With `serverTLSBootstrap: true` a kubelet has no certificate until its request is approved. kube-controller-manager approves client certificates only. Compare the requester and the addresses before you approve.',
    commands: approve,
  },
  ClientCertificateRefused: {
    why: 'A client certificate is sent to kubelets only with `--kubelet-client-certificate`, or from a kubeconfig. The kubelet verifies it by `authentication.x509.clientCAFile`.',
    commands: serverFlags,
  },
  NoCommonTls: {
    why: 'The kubelet offers only TLS versions or cipher suites that are not accepted here, or its key is too small for all of them.',
    commands: 'ssh -n $NODE "sudo grep -i tls /var/lib/kubelet/config.yaml"',
  },
  NotTls: { why: 'Another program has the port, or a proxy in between answers.', commands: tryConnection },
  NotHttp: { why: 'Another program has the port, or a proxy in between answers.', commands: tryConnection },
  WeakKey: {
    why: 'OpenSSL does not accept keys of RSA below 2048 bits, nor signatures with SHA-1.',
    commands: certificateOf,
  },
  OutOfFiles: {
    why: "Each connection takes a file descriptor of this server's process, and its limit is reached. The kubelets are not at fault.",
    commands: 'ssh -n $NODE systemctl show containerd -p LimitNOFILE    # the node of the server',
  },
  ConnectionRefused: { why: 'The kubelet does not run, or listens on another port.', commands: kubeletState },
  ConnectionLost: {
    why: 'A kubelet that restarts ends its connections. One such failure is harmless: the last usage is served meanwhile.',
    commands: kubeletLog,
  },
  ConnectTimeout: {
    why: 'Packets to the port are dropped: a NetworkPolicy, a firewall or a security group lets our pod not through. Managed clusters often let only kube-apiserver connect to port 10250.',
    commands: tryConnection,
  },
  Timeout: {
    why: 'The kubelet accepted the request and did not answer in time. cAdvisor is slow on nodes with many containers, a slow disk or no free CPU.',
    commands: kubeletState,
  },
  NameUnknown: {
    why: 'The first address type of the Node is a name that the DNS of our pod does not know. metrics-server reports `dial tcp: lookup <node> on <dns>: no such host`. The base manifests put InternalIP first.',
    commands: serverFlags,
  },
  Unreachable: { why: 'The network of our pod has no route to the address.', commands: tryConnection },
  NoAddress: {
    why: 'The Node has no address of a type in `--kubelet-preferred-address-types`.',
    commands: "kubectl get node $NODE -o jsonpath='{.status.addresses}'",
  },
  BodyTooLarge: {
    why: 'The response exceeds 64 MiB or 5,000 containers. Cgroups that outlive their containers are the usual reason.',
    commands: 'ssh -n $NODE "systemd-cgls --no-pager | wc -l"',
  },
  BodyBroken: {
    why: 'The response was damaged, or its end cannot be recognised. Usually a proxy in between is at fault.',
    commands: kubeletLog,
  },
  Unauthorized: {
    why: 'The kubelet does not review tokens (`authentication.webhook.enabled: false`), cannot reach kube-apiserver to review them, or belongs to another cluster.',
    commands: `ssh -n $NODE "sudo grep -A2 webhook: /var/lib/kubelet/config.yaml"\n${kubeletLog}`,
  },
  Forbidden: {
    why: 'The account whose token kubelets get may not get `nodes/metrics`: a ClusterRole or its binding is missing.',
    commands:
      'kubectl auth can-i get nodes --subresource=metrics --as=system:serviceaccount:kube-system:kubegauge-kubelets\nkubectl apply -f manifests/base/kubelet-identity.yaml',
  },
  NotFound: {
    why: 'The path does not exist at the kubelet.',
    commands: 'kubectl get --raw /api/v1/nodes/$NODE/proxy/metrics/resource',
  },
  ServerError: { why: 'The kubelet itself failed. The log has its words.', commands: kubeletLog },
  UnexpectedStatus: {
    why: 'A kubelet sends no such status. Another program or a proxy answers.',
    commands: tryConnection,
  },
  AnswerUnusable: {
    why: 'The endpoint lacks what is needed, so the node is read from `/metrics/resource` if that is better.',
    commands: 'kubectl get --raw /api/v1/nodes/$NODE/proxy/metrics/resource',
  },
  AnswerBroken: {
    why: 'The body is not what its content type says. One such response is dropped, and the last usage is served.',
    commands: 'kubectl get --raw /api/v1/nodes/$NODE/proxy/metrics/cadvisor',
  },
  ClockSkew: {
    why: "Metrics are served. Their timestamps are the node's, so they look older or newer than they are.",
    commands: 'ssh -n $NODE "timedatectl; chronyc tracking"',
  },
  Other: { why: 'The message has all that is known.', commands: kubeletLog },
};
