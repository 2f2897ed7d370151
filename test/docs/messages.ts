/** Texts of docs/troubleshooting.md about each code of a message that is not about one kubelet: as it is printed, why, and what mends it. */
import type { BundleCode, healthCodes, RefusalCode, startCodes, warningCodes } from '../../src/messagecodes.ts';

export interface Explained {
  /** Messages as the program prints them, with `...` where they vary. */
  readonly symptoms: readonly string[];
  readonly why: string;
  /** Lines for a shell. */
  readonly commands: string;
}

const args =
  "kubectl -n kube-system get deployment/metrics-server -o jsonpath='{.spec.template.spec.containers[0].args}'";
const edit = 'kubectl -n kube-system edit deployment/metrics-server';
const log = 'kubectl -n kube-system logs deploy/metrics-server';
const status = 'kubectl exec -n kube-system deploy/metrics-server -- /metrics-server status --cert-dir=/tmp';
const doctor = (checks: string) => `kubegauge doctor ${checks}`;
const apply = 'kubectl apply -k my-cluster';
const apiServices = 'kubectl get apiservices v1.metrics.k8s.io v1beta1.metrics.k8s.io -o yaml';
const authenticationConfigMap = 'kubectl -n kube-system get configmap extension-apiserver-authentication -o yaml';

export const startMessages: Readonly<Record<(typeof startCodes)[number], Explained>> = {
  NodeTooOld: {
    symptoms: ['kubegauge needs Node ... or newer, found ...'],
    why: 'The program was started with another Node than its own. `npm ci` and the image bring the right one.',
    commands: 'npm ci',
  },
  UnknownFlag: {
    symptoms: ['unknown flag --...; did you mean ...?', 'unknown flag ...; see --help'],
    why: 'No flag has this name. Flags of older metrics-servers are accepted, and those without an effect are [listed](configuration.md#accepted-without-effect).',
    commands: `kubegauge --help\n${edit}`,
  },
  InvalidFlagValue: {
    symptoms: ['--...=...: must be a duration such as 15s, 1m30s or 500ms', '--... needs a value'],
    why: 'The value is of another type, or outside of what the flag allows. The line says what it takes.',
    commands: `kubegauge --help\n${edit}`,
  },
  ContradictingFlags: {
    symptoms: [
      'cannot use both --kubelet-certificate-authority and ...',
      'need both --tls-cert-file and --tls-private-key-file',
    ],
    why: 'Two flags exclude each other, or one needs another. Nothing is guessed: leave one out.',
    commands: `${args}\n${edit}`,
  },
  UnknownCommand: {
    symptoms: ['no command is named ...; did you mean ...?', '... has to be the first argument: kubegauge ... [flags]'],
    why: 'A word is neither `status`, `doctor`, `ui`, `trust` nor `rules`, or stands behind a flag. For `doctor` it is no name of a check, for `trust` no node or key, for `rules` not `check`.',
    commands: 'kubegauge --help\nkubegauge doctor --help',
  },
  NoCluster: {
    symptoms: ['no cluster is configured: outside of a pod, pass --kubeconfig=<file>'],
    why: 'In a pod kube-apiserver is found by its account. Elsewhere the server takes no kubeconfig by itself, so that it reaches no cluster by mistake.',
    commands: 'kubegauge --kubeconfig=$HOME/.kube/config --cert-dir=',
  },
  KubeconfigUnusable: {
    symptoms: [
      'cannot read the kubeconfig ...; is it there, and may this user read it?',
      '... has no current-context; set one with kubectl config use-context',
    ],
    why: 'The kubeconfig is missing, cannot be read, or lacks what a connection needs.',
    commands: 'kubectl --kubeconfig=<file> config view --minify\nkubectl --kubeconfig=<file> get --raw /version',
  },
  PodAccountUnusable: {
    symptoms: [
      'cannot read ...; is automountServiceAccountToken off? Mount the ServiceAccount token or pass --kubeconfig',
    ],
    why: "The token or the CA of the pod's ServiceAccount is not mounted.",
    commands:
      "kubectl -n kube-system get pods -l k8s-app=metrics-server -o jsonpath='{.items[*].spec.automountServiceAccountToken}'",
  },
  ServingCertificateUnusable: {
    symptoms: [
      '... is not the key of the first certificate in ...',
      '... holds no certificate; expected PEM text with -----BEGIN CERTIFICATE-----',
    ],
    why: 'The files of `--tls-cert-file` and `--tls-private-key-file` are missing, damaged, do not belong together, or have a key or an algorithm that clients in Go refuse.',
    commands:
      'openssl x509 -in tls.crt -noout -subject -enddate -ext subjectAltName\nopenssl pkey -in tls.key -noout -check',
  },
  ClientCaUnusable: {
    symptoms: ['... holds no certificate; expected PEM text with -----BEGIN CERTIFICATE-----'],
    why: 'The file of `--client-ca-file` or `--requestheader-client-ca-file` is missing or holds no CA.',
    commands: 'openssl x509 -in ca.crt -noout -subject -enddate',
  },
  PortUnavailable: {
    symptoms: [
      'cannot listen on ...:...: the port is in use; choose another with --secure-port',
      'cannot listen on 127.0.0.1:...: choose another with --port, or none for any that is free',
    ],
    why: "Another program has the port: on a node's own network often the kubelet (10250). Or the address is not this machine's.",
    commands: `ss -ltnp | grep 10250\n${doctor('ports')}`,
  },
  StatusUnreadable: {
    symptoms: ["cannot read the server's certificate ...; ...", 'the server does not answer at ...; does it run? ...'],
    why: '`kubegauge status` asks the server on the same machine, and finds it by the flags `--cert-dir` (or `--tls-cert-file` and `--tls-private-key-file`) and `--secure-port`.',
    commands: status,
  },
  KeyNotPinned: {
    symptoms: ['there is no node ...; kubectl get nodes lists them', 'nothing is changed: ...'],
    why: '`kubegauge trust` has pinned nothing: the Node, the right to write the ConfigMap, or a connection to the kubelet is missing.',
    commands: 'kubectl get nodes\nkubectl -n kube-system get configmap kubegauge-kubelet-pins',
  },
  ClusterNotExamined: {
    symptoms: ['the cluster cannot be examined: ...'],
    why: 'kube-apiserver cannot be reached with this kubeconfig, or its user may not read what the checks look at.',
    commands: 'kubectl auth can-i list apiservices.apiregistration.k8s.io\nkubectl auth whoami',
  },
  ClusterNotShown: {
    symptoms: [
      'cannot list ...: this user lacks the right to ...',
      'cannot list ...: no usable answer: ...',
      'kube-apiserver rejects the credentials of this kubeconfig (401)',
    ],
    why: '`kubegauge top` can read nothing of what it was asked for: kube-apiserver cannot be reached with this kubeconfig, its credentials are wrong or have expired, or its user lacks the right that the line names. A user with rights in one namespace can read `kubegauge top pods -n <namespace>`, not nodes.',
    commands: 'kubectl auth can-i list nodes.metrics.k8s.io\nkubectl auth whoami',
  },
  RulesNotChecked: {
    symptoms: ['the rules cannot be checked: ...'],
    why: 'The file of rules cannot be read, or the engine of `--prometheus-url` or the cluster of `--kubeconfig` cannot be reached. The line says which.',
    commands: 'kubegauge rules check rules.yaml\ncurl -s http://localhost:9090/api/v1/status/buildinfo',
  },
  RulesUnusable: {
    symptoms: ['--config=...: ... --custom-metrics=kubelet serves the metric ..., too'],
    why: 'The file of `--config` has rules that cannot work. Each line names the place in the file and what to do. prometheus-adapter refuses most of them, too.',
    commands: 'kubegauge rules check rules.yaml',
  },
  PrometheusUnusable: {
    symptoms: ['Prometheus ...: ...'],
    why: 'The URL, a header or a file of the flags `--prometheus-...` cannot be used. The line says which.',
    commands: `${args}\n${edit}`,
  },
  OutputNotWritten: {
    symptoms: ['cannot write to standard output: ...'],
    why: 'The disk is full, or the terminal is gone. The output may be cut off.',
    commands: 'df -h .',
  },
  Failed: {
    symptoms: ['stopping after a failure'],
    why: 'An error that no other code is for. The reason in the line has all that is known; please report it with the log.',
    commands: `${log} --previous`,
  },
};

export const healthMessages: Readonly<Record<(typeof healthCodes)[number], Explained>> = {
  NodesNotListed: {
    symptoms: ['cache for node informer has not synced'],
    why: 'kube-apiserver has not returned the Nodes yet: it cannot be reached, or the right to list them is missing. The log has the reason.',
    commands: `${log}\n${doctor('rights')}`,
  },
  PodsNotListed: {
    symptoms: ['cache for pod informer has not synced'],
    why: 'kube-apiserver has not returned the pods yet: it cannot be reached, or the right to list them is missing.',
    commands: `${log}\n${doctor('rights')}`,
  },
  ClientCasUnknown: {
    symptoms: ['the authentication ConfigMap was not read yet'],
    why: 'Without `kube-system/extension-apiserver-authentication` no client can be verified. Its reader needs the Role `extension-apiserver-authentication-reader`.',
    commands: `${authenticationConfigMap}\n${doctor('front-proxy rights')}`,
  },
  NodesNotScraped: {
    symptoms: ['not every node has been scraped since the start'],
    why: 'The first scrapes take one resolution. A node that cannot be scraped is waited for 5 s, and 20 s if none can.',
    commands: status,
  },
  NoUsageYet: {
    symptoms: ['no metrics to serve'],
    why: 'Usage needs two samples of a container, half a minute after the start at most, and rules their first lists of series, which are waited for 10 s. After a minute the server is ready without any.',
    commands: `${status}\n${doctor('kubelets')}`,
  },
  ScrapesStuck: {
    symptoms: ["metric collection didn't finish on time"],
    why: 'The loop that starts scrapes has not run for one and a half resolutions, and the kubelet restarts the container. CPU is missing, or it is a fault of the program.',
    commands: `kubectl -n kube-system top pods -l k8s-app=metrics-server\n${log} --previous`,
  },
  ShuttingDown: {
    symptoms: ['process is shutting down'],
    why: 'The pod was deleted or replaced. It serves until `--shutdown-delay-duration` is over.',
    commands: 'kubectl -n kube-system rollout status deployment/metrics-server',
  },
};

export const bundleMessages: Readonly<Record<BundleCode, Explained>> = {
  ApiServiceNotRead: {
    symptoms: ['the APIService was not read yet'],
    why: 'The server has just started, or kube-apiserver does not answer.',
    commands: log,
  },
  ApiServiceNotOurs: {
    symptoms: ['there is no such APIService', 'the APIService names another Service'],
    why: 'kube-apiserver sends this API to another server, so its caBundle is left alone.',
    commands: `${apiServices}\n${apply}`,
  },
  ApiServiceUnreadable: {
    symptoms: [
      'caBundle is not maintained: our ServiceAccount may not read the APIService; apply manifests/base for verified TLS',
      'caBundle is not maintained: our ServiceAccount may not read the APIService; add manifests/components/custom-metrics to your kustomization',
    ],
    why: "Only the image was replaced, and the rights are still metrics-server's. kube-apiserver does not verify the server then. With the flags of our manifests the right is missing, and the pod is not ready while another one serves. For custom and external metrics the right is in the component of the group, which the message names. The right is looked for every half a minute.",
    commands: apply,
  },
  RootPublished: {
    symptoms: ['the bundle holds our root'],
    why: 'All is well: kube-apiserver verifies the pod by its own root.',
    commands: doctor('ca-bundle'),
  },
  RootStaged: {
    symptoms: ['our root is staged'],
    why: 'The root waits in an annotation until every pod behind the Service has one. Then verification begins.',
    commands: doctor('ca-bundle'),
  },
  RootNotPublished: {
    symptoms: ['our root is being added to the bundle', 'the APIService has no bundle'],
    why: 'The pod has just started. It becomes ready two seconds after its root is in the bundle.',
    commands: `${status}\n${doctor('ca-bundle')}`,
  },
  VerificationWaits: {
    symptoms: ['verification begins when these pods have staged a root or are gone: ...'],
    why: 'The named pods run an older version or another metrics server behind the same Service. kube-apiserver could not verify them.',
    commands:
      'kubectl -n kube-system get pods -l k8s-app=metrics-server -o wide\nkubectl -n kube-system rollout status deployment/metrics-server',
  },
  EndpointByHand: {
    symptoms: ['verification begins when these endpoints of the Service, which are none of its pods, are gone: ...'],
    why: 'A person or another program has added an EndpointSlice to the Service. Its server would fail as soon as kube-apiserver verifies by the roots of the pods. Remove the slice, or publish a bundle of your own with `kubegauge.io/keep-off-ca-bundle`.',
    commands: `kubectl -n kube-system get endpointslices -l kubernetes.io/service-name=metrics-server -o wide\n${doctor('service')}`,
  },
  EndpointsUnreadable: {
    symptoms: [
      'verification waits: our ServiceAccount may not list the EndpointSlices of the Service; apply manifests/base for the right',
    ],
    why: 'The manifests in the cluster are older than the server. Until the right is there, `insecureSkipTLSVerify` stays as it is; bundles that are published already are maintained.',
    commands: `kubectl -n kube-system auth can-i list endpointslices.discovery.k8s.io --as=system:serviceaccount:kube-system:kubegauge\n${doctor('rights')}`,
  },
  PodNotSelected: {
    symptoms: ['our root is staged, but the Service does not select our pod'],
    why: 'Labels of the pod and the selector of the Service differ, or `--service-name` names another Service.',
    commands: `kubectl -n kube-system get service metrics-server -o jsonpath='{.spec.selector}'\n${doctor('service')}`,
  },
  BundleKeptOff: {
    symptoms: ['caBundle is left to ...: the annotation ... is set'],
    why: 'cert-manager writes the bundle, or you have set `kubegauge.io/keep-off-ca-bundle`. Nothing is wrong if that is intended.',
    commands: 'kubectl annotate apiservice v1beta1.metrics.k8s.io kubegauge.io/keep-off-ca-bundle-',
  },
  BundleTooLong: {
    symptoms: ['caBundle is not maintained: with our root it would be longer than ... bytes'],
    why: 'Something has filled the bundle, or the annotation `kubegauge.io/staged-roots`. Roots of pods that are gone leave both about a minute later by themselves, unless the text of another program alone is longer than 128 KiB; such text stays. Emptied, both are filled again with the roots of running pods.',
    commands: `kubectl patch apiservice v1beta1.metrics.k8s.io --type=merge -p '{"metadata":{"annotations":{"kubegauge.io/staged-roots":null}},"spec":{"caBundle":null,"insecureSkipTLSVerify":true}}'`,
  },
  BundleNeedsKubeletAccount: {
    symptoms: [
      'caBundle is not maintained: kubelets get the token of our own ServiceAccount; apply manifests/base for a separate one',
    ],
    why: 'A token that goes to kubelets must have no right to write. The manifests have an account for kubelets alone.',
    commands: `${apply}\n${doctor('rights')}`,
  },
  SecondProcess: {
    symptoms: [
      'caBundle is left to another process of this pod, which was there before; end this one, which kube-apiserver does not need',
    ],
    why: 'A second server was started in the pod, such as by `kubectl exec`. kube-apiserver is served by the first.',
    commands: status,
  },
  BundlePatchDenied: {
    symptoms: [
      'caBundle is not maintained: kube-apiserver denies our patch of the APIService',
      'a patch for caBundle was denied',
    ],
    why: 'The right to patch the APIService is missing, or an admission webhook rejects the patch. The log has its reason. It is tried again every five minutes.',
    commands: `${log} | grep BundlePatchDenied\n${doctor('rights')}`,
  },
  BundleNotWritten: {
    symptoms: ['caBundle cannot be maintained; retries until it works: ...'],
    why: 'kube-apiserver does not answer, or other pods write at the same time. A pod without its root in the bundle stays unready.',
    commands: log,
  },
  BundleLostRoot: {
    symptoms: ['the bundle lost our root; it is put back'],
    why: 'Another writer has replaced `caBundle`, such as `kubectl apply`, Helm, or a GitOps controller.',
    commands: `kubectl get apiservice v1beta1.metrics.k8s.io -o yaml --show-managed-fields | grep -B 3 -A 20 caBundle\n${doctor('installations')}`,
  },
  BundleContested: {
    symptoms: [
      'another writer undoes our changes of the APIService again and again; they are repeated ever more slowly',
    ],
    why: 'A GitOps controller has `caBundle` or `insecureSkipTLSVerify` in its manifest. Let it ignore both fields, or set the annotation.',
    commands: "kubectl annotate apiservice v1beta1.metrics.k8s.io kubegauge.io/keep-off-ca-bundle=''",
  },
  SystemRootsInUse: {
    symptoms: ["no bundle is written: ... serves with a certificate of the system's roots. ..."],
    why: 'A running pod has a certificate that kube-apiserver verifies by its system roots. A bundle would end that.',
    commands: `kubectl patch apiservice v1beta1.metrics.k8s.io --type=merge -p '{"spec":{"insecureSkipTLSVerify":true}}'`,
  },
};

export const refusalMessages: Readonly<Record<RefusalCode, Explained>> = {
  FrontProxyCertificate: {
    symptoms: ['the certificate of a front proxy is not accepted'],
    why: "kube-apiserver's client certificate is expired, or not signed by the CA in its own ConfigMap.",
    commands: `${authenticationConfigMap}\n${doctor('front-proxy')}`,
  },
  FrontProxyName: {
    symptoms: ['the name of a front proxy is not in requestheader-allowed-names'],
    why: "kube-apiserver's `--requestheader-allowed-names` lacks the common name of its own `--proxy-client-cert-file`.",
    commands: `${authenticationConfigMap}\n${doctor('front-proxy')}`,
  },
  ClientCertificate: {
    symptoms: ['a client certificate is not accepted'],
    why: "A client that connects directly shows a certificate that is expired, not for clients, or of a CA that is not kube-apiserver's `--client-ca-file`.",
    commands: 'openssl x509 -in client.crt -noout -issuer -enddate -ext extendedKeyUsage',
  },
  TokenReviewFailed: {
    symptoms: ['TokenReviews by kube-apiserver fail'],
    why: 'A bearer token cannot be verified: kube-apiserver does not answer, or the ClusterRoleBinding to `system:auth-delegator` is missing.',
    commands:
      'kubectl auth can-i create tokenreviews.authentication.k8s.io --as=system:serviceaccount:kube-system:kubegauge',
  },
  AccessReviewFailed: {
    symptoms: ['SubjectAccessReviews by kube-apiserver fail', 'access reviews fail; ...'],
    why: 'It cannot be asked what a user may do, so requests are denied: kube-apiserver does not answer, or the ClusterRoleBinding to `system:auth-delegator` is missing.',
    commands:
      'kubectl auth can-i create subjectaccessreviews.authorization.k8s.io --as=system:serviceaccount:kube-system:kubegauge',
  },
  TokenInvalid: {
    symptoms: ['a bearer token is not valid'],
    why: 'A client sends a token that kube-apiserver does not know: expired, of another cluster, or for another audience.',
    commands: 'kubectl auth whoami --token=<token>',
  },
  TokenQueueFull: {
    symptoms: ['too many tokens wait for their first TokenReview'],
    why: 'Many unknown tokens arrive at once, or kube-apiserver is slow. Clients get 429. Users with a verified token are not affected.',
    commands: log,
  },
  ImpersonationRefused: {
    symptoms: ['impersonation is not accepted here'],
    why: 'A client that connects directly sends `Impersonate-` headers. kube-apiserver impersonates by itself: send the request through it.',
    commands: 'kubectl top pods --as=<user>',
  },
  UserDenied: {
    symptoms: ['a user lacks the right'],
    why: 'The user may not read these metrics. The ClusterRoles `view`, `edit` and `admin` include the right to read those of pods.',
    commands: 'kubectl auth can-i list pods.metrics.k8s.io -n <namespace> --as=<user>',
  },
  AnonymousDenied: {
    symptoms: ['anonymous requests lack the right'],
    why: 'A client sends no credentials: often a probe or a scrape of /metrics without a token, or kube-apiserver without `--proxy-client-cert-file`.',
    commands: doctor('front-proxy'),
  },
  TooManyRequests: {
    symptoms: ['there are more requests than --max-requests-inflight'],
    why: 'Clients get 429 and retry. A few clients that list everything can cause it; the log of kube-apiserver names them.',
    commands: `${args}\nkubectl get --raw /metrics | grep apiserver_current_inflight_requests`,
  },
  TooManyAnonymousRequests: {
    symptoms: ['there are too many anonymous requests'],
    why: 'More than 64 requests without credentials run at once. Requests with credentials are not affected.',
    commands: log,
  },
};

export const warningMessages: Readonly<Record<(typeof warningCodes)[number], Explained>> = {
  FlagWithoutEffect: {
    symptoms: ['these arguments have no effect here', '... is ignored: ...'],
    why: 'Flags of metrics-server, or of k8s.io/apiserver, that have nothing to act on here. Where something is lost, the line says what. [The list](configuration.md#accepted-without-effect).',
    commands: edit,
  },
  FastPathsOff: {
    symptoms: ['every fast path is off (--disable-fast-path)'],
    why: 'The flag is for finding faults. It costs CPU and changes no number.',
    commands: edit,
  },
  InsecureCipher: {
    symptoms: [
      'use of the insecure cipher ...',
      'the insecure cipher ... is never used: OpenSSL has no RC4 and no 3DES; clients without another fail',
    ],
    why: '`--tls-cipher-suites` names a suite without forward secrecy, or one that OpenSSL does not have.',
    commands: edit,
  },
  FrontProxyAnyName: {
    symptoms: [
      "requestheader-allowed-names is empty: each certificate of the front proxies' CA may name any user; list the common names of front proxies",
    ],
    why: 'kube-apiserver runs without `--requestheader-allowed-names`. If its front-proxy CA signs other certificates, their owners may act as any user.',
    commands: `${authenticationConfigMap}\n${doctor('front-proxy')}`,
  },
  SharedClientCa: {
    symptoms: ['one CA is trusted for clients and for front proxies: ...'],
    why: '`--client-ca-file` and `--requestheader-client-ca-file` of kube-apiserver are the same CA.',
    commands: authenticationConfigMap,
  },
  CredentialFileUnusable: {
    symptoms: ['a credential file cannot be used; its last good content is used'],
    why: 'A mounted token, key or CA was replaced by something that cannot be read. The last one works until it expires.',
    commands: `${log} | grep CredentialFileUnusable`,
  },
  DamagedCertificateSkipped: {
    symptoms: ['skips a damaged certificate; the others of its bundle are used'],
    why: 'A bundle has a block that is no certificate. The line names the file and the position.',
    commands: 'openssl storeutl -noout -certs ca.crt',
  },
  ClientCasNotUpdated: {
    symptoms: [
      'a CA file cannot be used; its last good content is used',
      'the ConfigMap was deleted; its last content is used',
      'the ConfigMap is malformed; its last good content is used',
    ],
    why: 'The CAs for clients and front proxies come from a file of a flag or from `kube-system/extension-apiserver-authentication`. kube-apiserver writes the ConfigMap again when it starts.',
    commands: authenticationConfigMap,
  },
  CertDirUnusable: {
    symptoms: ['cannot write to --cert-dir; ...', '--cert-dir cannot be used; ...'],
    why: 'The folder is not writable, or other users may write to it. `kubegauge status` reads the certificate there.',
    commands: `${args}\nkubectl -n kube-system get deployment/metrics-server -o jsonpath='{.spec.template.spec.volumes}'`,
  },
  ServingCertificateNotRenewed: {
    symptoms: ['the new serving certificate cannot be used; serves the previous one'],
    why: 'The renewed file is damaged, expired, or does not match its key. It is read again every 30 s.',
    commands: 'openssl x509 -in tls.crt -noout -subject -enddate\nopenssl pkey -in tls.key -noout -check',
  },
  ServingCertificateNotValid: {
    symptoms: ['loaded a serving certificate that ...; clients will refuse it'],
    why: 'The certificate has expired or is not valid yet. Renew it, or check the clock.',
    commands: 'openssl x509 -in tls.crt -noout -startdate -enddate',
  },
  ServingCertificateName: {
    symptoms: ['the serving certificate lacks the name by which kube-apiserver verifies it; issue one with this name'],
    why: 'kube-apiserver verifies the name `<service>.<namespace>.svc`.',
    commands: 'openssl x509 -in tls.crt -noout -ext subjectAltName',
  },
  WatchFails: {
    symptoms: ['cannot list or watch; retries until it works', 'cannot watch the APIService; retries until it works'],
    why: 'kube-apiserver cannot be reached, or the right is missing. The last known nodes and pods are used meanwhile. The right to list autoscalers, namespaces and services is in the component custom-metrics, others are in manifests/base.',
    commands: `${log} | grep WatchFails\n${doctor('rights')}`,
  },
  KubeletTokenMissing: {
    symptoms: ['kubelets get our own token'],
    why: 'The ServiceAccount for kubelets, or the right to create its tokens, is missing, as where only the image was replaced. Our own token can list pods.',
    commands: `${apply}\n${doctor('rights')}`,
  },
  KubeletTokenNotRenewed: {
    symptoms: [
      'the token for kubelets cannot be renewed; it is used until it expires',
      'the token for kubelets cannot be renewed: ...',
    ],
    why: 'kube-apiserver does not answer, or the right to create `serviceaccounts/token` was taken away. A token is valid for ten minutes.',
    commands: `${status}\n${doctor('rights')}`,
  },
  KubeletTokenUnavailable: {
    symptoms: ['there is no token for kubelets; they are not scraped', 'there is no token for kubelets: ...'],
    why: 'With `--kubelet-service-account` no other credentials go to kubelets. The account or the right to create its token is missing, or it has rights that kubelets must not get.',
    commands: `${apply}\n${doctor('rights')}`,
  },
  PinsInMemory: {
    symptoms: [
      'keys of kubelets are pinned in memory only',
      'the keys of kubelets are pinned in memory only, so a restart pins them anew: ...',
    ],
    why: 'The ConfigMap of pins or the right to it is missing. A restart trusts the keys that kubelets show then.',
    commands: `${apply}    # with components/kubelet-pins\nkubectl -n kube-system get configmap kubegauge-kubelet-pins`,
  },
  PinsLost: {
    symptoms: ['keys of kubelets were removed at once; they are pinned again'],
    why: 'Something emptied the ConfigMap of pins, such as `kubectl replace`, or Argo CD with `Replace=true`: have it applied instead. Up to three lines that you remove yourself are not put back.',
    commands: 'kubectl -n kube-system get configmap kubegauge-kubelet-pins --show-managed-fields -o yaml',
  },
  PinsNotRemoved: {
    symptoms: ['cannot check whose pinned kubelets are gone'],
    why: 'kube-apiserver did not answer. It is tried again every five minutes; until then pins of removed nodes stay.',
    commands: log,
  },
  NodesNotRead: {
    symptoms: ['... cannot be scraped'],
    why: "Some kubelets cannot be read. The lines below each node's name say why, with a code of [kubelets](#kubelets-that-cannot-be-read).",
    commands: `${status}\n${doctor('kubelets')}`,
  },
  NodeOnFallback: {
    symptoms: [
      'node is served from /metrics/resource',
      '... are served from /metrics/resource instead of /metrics/cadvisor',
    ],
    why: '`/metrics/cadvisor` of the node lacks containers, so the same numbers are read from `/metrics/resource`. It is tried again about every ten minutes.',
    commands: `${status}\n${doctor('kubelets')}`,
  },
  NodeClockSet: {
    symptoms: ['the clock of a node was set; its last usages are served until there are two newer samples'],
    why: "The node's clock was set back or forward. Numbers are right again after two scrapes.",
    commands: 'ssh -n $NODE "timedatectl; chronyc tracking"',
  },
  MetricsPathIgnored: {
    symptoms: [
      'the annotation ... is ignored: it has to be /metrics or a path below /metrics/, without a query, "..", "//" or "%"',
    ],
    why: 'The annotation `metrics.k8s.io/resource-metrics-path` of the Node is no path that a kubelet may be asked for.',
    commands: 'kubectl annotate node $NODE metrics.k8s.io/resource-metrics-path-',
  },
  ForeignPods: {
    symptoms: [
      'a kubelet reports pods of other nodes; they are not served',
      '... report pods of other nodes, which are not served',
    ],
    why: 'A kubelet reports pods that the API places elsewhere: leftovers on the node, or a kubelet that lies. The numbers of the right node are served.',
    commands: 'ssh -n $NODE sudo crictl pods\nkubectl get pods -A --field-selector=spec.nodeName=$NODE',
  },
  DisputedPods: {
    symptoms: ['several kubelets report pods that the API places on no node; they are not served'],
    why: 'Several kubelets report a pod that is not bound to a node, so no report can be believed.',
    commands: "kubectl get pods -A --field-selector=spec.nodeName=''",
  },
  ImplausibleSample: {
    symptoms: ['a sample exceeds the capacity of its node; it is not served'],
    why: 'A kubelet reports more CPU or memory than the node has. The last usage is served.',
    commands: "kubectl get node $NODE -o jsonpath='{.status.capacity}'",
  },
  SnapshotIgnored: {
    symptoms: ['the snapshot is of no use and is ignored'],
    why: 'The file of `--snapshot-path`, or one beside it, is damaged, of another version, too old, could be changed by other users, or has values of other PromQL engines than the flags choose. The server starts without what is in it, as if there were none.',
    commands: log,
  },
  SnapshotNotWritten: {
    symptoms: ['cannot write the snapshot; does its folder exist, and may this user write to it?'],
    why: 'The next restart will have half a minute without usage. Nothing else is lost.',
    commands: "kubectl -n kube-system get deployment/metrics-server -o jsonpath='{.spec.template.spec.volumes}'",
  },
  SecondProcessUnknown: {
    symptoms: ['whether another process of this pod serves, too, is not known'],
    why: 'The socket by which servers in one pod see each other could not be opened. The server goes on as if it were alone.',
    commands: `${log} | grep SecondProcessUnknown`,
  },
  PodNameTaken: {
    symptoms: [
      'the socket ..., by which a second server in this pod is found, is held by ..., which does not prove to be one',
    ],
    why: 'A process in the network namespace of the pod, such as another container, or with `hostNetwork` a process of the node, listens at a name that only servers of this pod use. The server works, but would not notice a second one in its pod. The message names the process where it is in the same container.',
    commands: `${log} | grep PodNameTaken\n# on the node: every process that listens at such a name, in each network namespace\nlsns --type net --noheadings --output PID | xargs -I{} nsenter --target {} --net ss --unix --listening --processes | grep kubegauge/`,
  },
  WorkerEnded: {
    symptoms: ['a scrape worker has ended and is replaced'],
    why: 'A thread has failed, mostly for want of memory. Its nodes are scraped again by the next one.',
    commands: `kubectl -n kube-system top pods -l k8s-app=metrics-server\n${log}`,
  },
  HandshakeEnded: {
    symptoms: ['ended a TLS handshake: its certificates are not read'],
    why: 'A client sends certificates that are too long, malformed or out of order. kube-apiserver never does.',
    commands: `${log} | grep HandshakeEnded`,
  },
  ConnectionLimit: {
    symptoms: ['there are ... connections: the oldest one without an authenticated request is closed'],
    why: 'Many clients hold connections open without credentials.',
    commands: log,
  },
  AddressConnectionLimit: {
    symptoms: ['an address has as many connections as --max-connections-per-address allows: its oldest one is closed'],
    why: 'One client, or many behind one address, open connections again and again. Raise the flag if they are yours.',
    commands: edit,
  },
  ClientMemoryLimit: {
    symptoms: ['a client holds more memory than it may: its connection is closed'],
    why: 'A client asks for more than it reads.',
    commands: log,
  },
  ClientNotReading: {
    symptoms: [
      'a client does not take its answer: its connection is closed',
      'a client sends requests and does not read the answers: its connection is closed',
    ],
    why: 'A client or a network in between is stuck.',
    commands: log,
  },
  ResponseBroken: {
    symptoms: ['an answer broke off'],
    why: 'An error while a long list was written. The client sees a cut connection and retries. Please report it with the log.',
    commands: log,
  },
  RequestFailed: {
    symptoms: ['cannot answer a request', 'answering a request of the page failed', 'collecting history failed'],
    why: 'An error that should not be: the client gets 500, or the page of `kubegauge ui` has a gap. Please report it with the log.',
    commands: log,
  },
  LogLinesDropped: {
    symptoms: ['lines were dropped: the log could not be written'],
    why: 'The reader of standard error is too slow or stuck. The server goes on; `lines` says how many are missing.',
    commands: 'ssh -n $NODE "df -h /var/log; sudo systemctl status containerd"',
  },
  DiscoveryFails: {
    symptoms: ['cannot read the discovery of kube-apiserver; retries until it works'],
    why: 'Resources that custom metrics describe are found by the discovery of kube-apiserver. The resources of the last one stay in use.',
    commands: 'kubectl get --raw /apis | head -c 300',
  },
  NoRules: {
    symptoms: ['the file of --config has no rules: no group of metrics is served by it'],
    why: 'Neither `rules` nor `externalRules` has an entry, so custom.metrics.k8s.io and external.metrics.k8s.io are not served from Prometheus.',
    commands: 'kubegauge rules check rules.yaml',
  },
  RulesNeedRestart: {
    symptoms: ['the changed rules have the first ones of another group; restart to serve it'],
    why: 'Which groups are served is decided at the start. The first rule of the other group needs a restart.',
    commands: 'kubectl -n kube-system rollout restart deployment/metrics-server',
  },
  RulesNotReplaced: {
    symptoms: ['the changed rules cannot be used; the previous ones stay in force'],
    why: 'The file of `--config` has changed and is not valid. `problem` has the places.',
    commands: 'kubegauge rules check rules.yaml',
  },
  RuleDoubtful: {
    symptoms: ['a rule may surprise', 'a rule names a resource that the cluster does not have'],
    why: 'A rule is valid and probably not as meant. `note` or `problem` says why.',
    commands: 'kubegauge rules check rules.yaml',
  },
  TooManyObjects: {
    symptoms: ['too many objects of a resource to match them by labels'],
    why: 'Objects of a resource are kept in memory to match them by labels, up to limits of their number and of the bytes of their labels; `reason` says which it is. Metrics of single objects of this resource are served, `*` is not.',
    commands: log,
  },
  MetricInTwoSources: {
    symptoms: ['two sources have the same metric; the first one is served'],
    why: 'Two sources have a metric of this name for this resource. `served` is the source in use, `ignored` the other one. Give the rule another name.',
    commands: `${log} | grep MetricInTwoSources`,
  },
  RuleFails: {
    symptoms: ['cannot fetch metrics of a rule'],
    why: 'Prometheus refused the query of a rule, or did not answer. `reason` has its words. Other rules are not affected, and the last value is served until `--metrics-max-age`.',
    commands: `kubegauge rules check rules.yaml --prometheus-url=http://localhost:9090\n${status}`,
  },
  SeriesNotListed: {
    symptoms: ['cannot list series; the metrics of the last list stay, retries until it works'],
    why: 'Prometheus did not answer for a seriesQuery. The metrics that it found before stay in discovery.',
    commands: `${log} | grep SeriesNotListed`,
  },
  AnswerIncomplete: {
    symptoms: ['an answer of Prometheus may be incomplete'],
    why: 'The engine answered with warnings, or with a part of its data, as Thanos does while a store is away. The answer is served, but replaces no whole last value, and such a list of series ends no metric.',
    commands: `${log} | grep AnswerIncomplete\n${status}`,
  },
  SampleLeftOut: {
    symptoms: ['leaves out a sample that makes no value'],
    why: 'NaN, infinite values, histograms and values beyond 2^63/1000 are no quantities. An autoscaler would take a number made of them for a real one.',
    commands: 'kubegauge rules check rules.yaml --prometheus-url=http://localhost:9090',
  },
  PrometheusWithoutTls: {
    symptoms: ['credentials are sent to Prometheus without TLS'],
    why: 'The URL of `--prometheus-url` begins with `http:`, and a password or token goes with each request. Use `https:`.',
    commands: `${args}\n${edit}`,
  },
  RowsNotRead: {
    symptoms: ['not all rows: ...'],
    why: '`kubegauge top -o csv` reads 1,000 pods of a list at most, and those with the most CPU or memory beyond. Choose fewer pods by `-n` or `-l`.',
    commands: 'kubegauge top pods --once -o csv -n shop\nkubegauge top pods --once -o csv -l app=web',
  },
  ClusterDegraded: {
    symptoms: ['degraded: ...'],
    why: 'A part of the cluster could not be read, or has no usage, so that columns of `kubegauge top -o csv` are empty; the sentence names the missing right. With `-o json` it is in `cluster.degraded`. `no longer degraded: ...` says with `--watch` that it has ended.',
    commands: 'kubegauge top nodes --once -o json\nkubegauge doctor',
  },
};
