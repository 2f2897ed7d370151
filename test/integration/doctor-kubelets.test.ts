/** Faults of kubelets from public reports: the doctor finds each, and its remedy, pasted into a shell, ends it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import type { ReportedFinding } from '../../src/doctor/finding.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { node } from '../fakes/kubeobjects.ts';
import { createNodeWorld, type NodeWorld } from '../fakes/nodeworld.ts';
import { freePort } from '../fakes/wholecluster.ts';

const dayMs = 24 * 3_600_000;

/** Finds the fault, which has to be an error of node-a. */
async function found(world: NodeWorld, code: string): Promise<ReportedFinding> {
  const { findings } = await world.examine();
  const finding = findings.find((each) => each.code === code);
  assert.ok(finding, `${code} is not among ${JSON.stringify(findings)}`);
  assert.equal(finding.object, 'Node node-a');
  assert.ok(finding.remedy, JSON.stringify(finding));
  return finding;
}

async function gone(world: NodeWorld, code: string): Promise<void> {
  const { findings } = await world.examine();
  assert.deepEqual(
    findings.filter((finding) => finding.code === code || finding.severity === 'error'),
    [],
  );
}

function subjectOf({ apiServer }: NodeWorld, binding: string): object | undefined {
  const object = apiServer.objects.get('ClusterRoleBinding', binding);
  return (object as unknown as { readonly subjects: readonly object[] } | undefined)?.subjects[0];
}

describe('a kubelet that is well', () => {
  test('has no finding', async () => {
    await using world = await createNodeWorld();
    const { findings } = await world.examine();
    assert.deepEqual(findings, []);
  });

  test('is sent no credentials: the handshake has none, and the node proxy shows those of kube-apiserver', async () => {
    await using world = await createNodeWorld();
    await world.examine();
    assert.deepEqual(
      new Set(world.kubelet.requests.map(({ authorization }) => authorization)),
      new Set(['Bearer kube-apiserver']),
    );
  });
});

describe('certificates', () => {
  test('kubernetes-sigs/metrics-server#541: signed by another CA', async () => {
    await using world = await createNodeWorld();
    world.show(makeAuthority('its own CA'));
    world.serve({ code: 'UnknownAuthority', message: 'the last scrape of node node-a failed; see /status' });
    const finding = await found(world, 'kubelet-certificate-untrusted');
    assert.match(finding.evidence ?? '', /issued by CN=its own CA; for DNS:node-a/);
    await world.run(finding);
    assert.equal(
      (parse(readFileSync(world.kubeletConfig, 'utf8')) as { serverTLSBootstrap: boolean }).serverTLSBootstrap,
      true,
    );
    assert.equal(world.restarted(), 'restart kubelet\n');
    // Which makes the kubelet request a certificate of the cluster.
    world.show(world.authority);
    world.serve({ ageMs: 20_000 });
    await gone(world, 'kubelet-certificate-untrusted');
  });

  test('kubernetes/kubeadm#1602: self-signed, as kubelets make them by themselves', async () => {
    await using world = await createNodeWorld();
    const own = makeAuthority('node-a@1700000000');
    world.kubelet.useCertificate(own);
    world.serve({ code: 'UnknownAuthority', message: 'the last scrape of node node-a failed; see /status' });
    const finding = await found(world, 'kubelet-certificate-untrusted');
    assert.match(finding.problem, /self-signed/);
    await world.run(finding);
    world.show(world.authority);
    world.serve({ ageMs: 20_000 });
    await gone(world, 'kubelet-certificate-untrusted');
  });

  test('with --kubelet-tls=pin a self-signed one is no fault, but a changed key is', async () => {
    await using world = await createNodeWorld();
    world.kubelet.useCertificate(makeAuthority('node-a@1700000000'));
    world.setArgs('--kubelet-use-node-status-port', '--kubelet-tls=pin');
    await gone(world, 'kubelet-certificate-untrusted');
    world.serve({ code: 'KubeletKeyChanged', message: 'the last scrape of node node-a failed; see /status' });
    assert.equal((await found(world, 'kubelet-key-changed')).remedy, 'kubegauge trust node-a');
    world.serve({ code: 'KubeletKeyUnrecorded', message: 'the last scrape of node node-a failed; see /status' });
    world.setArgs('--kubelet-tls=pin', '--kubelet-service-account=kubegauge-kubelets');
    assert.match(
      (await found(world, 'kubelet-key-unrecorded')).remedy ?? '',
      /create rolebinding kubegauge-kubelet-pins/,
    );
    world.serve({ code: 'KubeletPinsFull', message: 'the last scrape of node node-a failed; see /status' });
    const full = await found(world, 'kubelet-pins-full');
    assert.match(full.problem, /is full/);
    assert.doesNotMatch(full.remedy ?? '', /rolebinding/);
  });

  test('the right to write pins is not granted to an account whose token goes to kubelets', async () => {
    await using world = await createNodeWorld();
    world.setArgs('--kubelet-tls=pin', '--kubelet-service-account=own');
    world.serve({ code: 'KubeletKeyUnrecorded', message: 'the last scrape of node node-a failed; see /status' });
    const { remedy = '' } = await found(world, 'kubelet-key-unrecorded');
    assert.doesNotMatch(remedy, /create rolebinding/);
    assert.match(remedy, /^kubectl apply -k my-cluster .*\nkubectl apply -f .*\/kubelet-pins\/pins\.yaml/);
  });

  test('kubernetes-sigs/metrics-server#196: without IP SANs, and for another name than the node', async () => {
    await using world = await createNodeWorld();
    world.show(world.authority, { dns: ['another.example'], ips: [] });
    world.serve({ code: 'CertificateNamesNeither', message: 'the last scrape of node node-a failed; see /status' });
    const finding = await found(world, 'kubelet-certificate-names');
    assert.match(finding.evidence ?? '', /for DNS:another\.example/);
    await world.run(finding);
    assert.match(world.restarted(), /restart kubelet/);
    world.show(world.authority);
    world.serve({ ageMs: 20_000 });
    await gone(world, 'kubelet-certificate-names');
  });

  test('kubermatic/kubermatic#9673: expired', async () => {
    await using world = await createNodeWorld();
    world.show(world.authority, {
      notBefore: new Date(Date.now() - 400 * dayMs),
      notAfter: new Date(Date.now() - dayMs),
    });
    world.serve({ code: 'CertificateExpired', message: 'the last scrape of node node-a failed; see /status' });
    const finding = await found(world, 'kubelet-certificate-expired');
    await world.run(finding);
    assert.match(readFileSync(world.kubeletConfig, 'utf8'), /^serverTLSBootstrap: true$/m);
    assert.equal(world.restarted(), 'restart kubelet\n');
    world.show(world.authority);
    world.serve({ ageMs: 20_000 });
    await gone(world, 'kubelet-certificate-expired');
  });

  test('kubernetes-sigs/metrics-server#1588: not verified, although the cluster signed all of them', async () => {
    await using world = await createNodeWorld();
    world.setArgs('--kubelet-use-node-status-port', '--kubelet-insecure-tls');
    const finding = await world.find('kubelets-not-verified');
    assert.equal(finding?.object, 'Deployment kube-system/metrics-server');
    await world.run(finding);
    assert.ok(world.args().includes('--kubelet-insecure-tls=false'), world.args().join(' '));
    assert.equal(await world.find('kubelets-not-verified'), undefined);
  });

  test('one that expires in two days and was not renewed is a warning', async () => {
    await using world = await createNodeWorld();
    world.show(world.authority, {
      notBefore: new Date(Date.now() - 363 * dayMs),
      notAfter: new Date(Date.now() + 2 * dayMs),
    });
    const finding = await world.find('kubelet-certificate-expires');
    assert.equal(finding?.severity, 'warning');
  });

  test('kubernetes-sigs/metrics-server#1480: tls: internal error, as the request for a certificate awaits approval', async () => {
    await using world = await createNodeWorld();
    world.serve({ code: 'ServingCertificatePending', message: 'the last scrape of node node-a failed; see /status' });
    for (const [name, created] of [
      ['csr-old', '2026-11-01T00:00:00Z'],
      ['csr-new', '2026-11-01T00:15:00Z'],
    ] as const) {
      world.apiServer.objects.set({
        kind: 'CertificateSigningRequest',
        apiVersion: 'certificates.k8s.io/v1',
        metadata: { name, creationTimestamp: created },
        spec: { signerName: 'kubernetes.io/kubelet-serving', username: 'system:node:node-a' },
      });
    }
    const finding = await found(world, 'kubelet-request-pending');
    assert.equal(finding.remedy, 'kubectl certificate approve csr-new');
    await world.run(finding);
    world.apiServer.objects.delete('CertificateSigningRequest', 'csr-old');
    world.serve({ ageMs: 20_000 });
    await gone(world, 'kubelet-request-pending');
  });

  const request = (name: string, createdMs: number, status: object) =>
    ({
      kind: 'CertificateSigningRequest',
      apiVersion: 'certificates.k8s.io/v1',
      metadata: { name, creationTimestamp: new Date(createdMs).toISOString() },
      spec: { signerName: 'kubernetes.io/kubelet-serving', username: 'system:node:node-a' },
      status,
    }) as const;
  const inState = (type: string, reason = '', message = '') => ({
    conditions: [{ type, status: 'True', reason, message }],
  });
  const denied = inState(
    'Denied',
    'kubelet-serving cert denied',
    'CSR not complying with kubelet-csr-approver validation process. Reason: The x509 Cert Request contains more than 1 DNS name',
  );

  for (const [report, status, evidence, remedy] of [
    [
      'postfinance/kubelet-csr-approver#70: an approver denies the request',
      denied,
      /^csr-new: kubelet-serving cert denied: CSR not complying .* more than 1 DNS name$/,
      /^# .*\nkubectl describe csr csr-new\nssh -n node-a 'sudo systemctl restart kubelet'\nkubectl get csr$/,
    ],
    [
      'kubernetes/kubernetes#99504: the signer refuses the request',
      {
        conditions: [
          ...inState('Approved').conditions,
          ...inState('Failed', 'SignerValidationFailure', 'invalid usage').conditions,
        ],
      },
      /^csr-new: SignerValidationFailure: invalid usage$/,
      /^# .*\nkubectl describe csr csr-new\nkubectl logs --namespace kube-system --selector=component=kube-controller-manager /,
    ],
    [
      'canonical/microk8s#455: an approved request is never signed, as kube-controller-manager has no CA',
      inState('Approved', 'KubectlApprove'),
      /^csr-new$/,
      /cluster-signing/,
    ],
  ] as const) {
    test(report, async () => {
      await using world = await createNodeWorld();
      const { objects } = world.apiServer;
      world.serve({ code: 'ServingCertificatePending', message: 'the last scrape of node node-a failed; see /status' });
      const now = Date.now();
      objects.set(request('csr-old', now - 900_000, denied));
      objects.set(request('csr-new', now - 60_000, status));
      const finding = await found(world, 'kubelet-request-refused');
      assert.match(finding.evidence ?? '', evidence);
      assert.match(finding.remedy ?? '', remedy);
      assert.equal(await world.find('kubelet-request-pending'), undefined);
      // A later one that awaits approval, and one that was signed, count instead.
      objects.set(request('csr-next', now, {}));
      await found(world, 'kubelet-request-pending');
      assert.equal(await world.find('kubelet-request-refused'), undefined);
      objects.set(request('csr-next', now, { ...inState('Approved'), certificate: 'AAAA' }));
      world.serve({ ageMs: 20_000 });
      await gone(world, 'kubelet-request-refused');
    });
  }
});

describe('credentials', () => {
  test('kubernetes-sigs/metrics-server#212: 401, as webhook authentication is off', async () => {
    await using world = await createNodeWorld();
    world.serve({ code: 'Unauthorized', message: 'the last scrape of node node-a failed; see /status' });
    const finding = await found(world, 'kubelet-unauthorized');
    await world.run(finding);
    const config = parse(readFileSync(world.kubeletConfig, 'utf8')) as {
      authentication: { webhook: { enabled: boolean } };
    };
    assert.equal(config.authentication.webhook.enabled, true);
    assert.equal(world.restarted(), 'restart kubelet\n');
    world.serve({ ageMs: 20_000 });
    await gone(world, 'kubelet-unauthorized');
  });

  test('kubernetes-sigs/metrics-server#95: 403 for system:anonymous, as webhook authentication is off', async () => {
    await using world = await createNodeWorld();
    world.serve({ code: 'Forbidden', message: 'the last scrape of node node-a failed; see /status' });
    const config = { kubeletconfig: { authentication: { webhook: { enabled: false }, anonymous: { enabled: true } } } };
    world.apiServer.documents.set('/api/v1/nodes/node-a/proxy/configz', config);
    const finding = await found(world, 'kubelet-unauthorized');
    await world.run(finding);
    assert.match(readFileSync(world.kubeletConfig, 'utf8'), /webhook:\n +cacheTTL: 0s\n +enabled: true/);
    world.serve({ ageMs: 20_000 });
    await gone(world, 'kubelet-unauthorized');
  });

  test('401, although webhook authentication is on, is another problem', async () => {
    await using world = await createNodeWorld();
    world.serve({ code: 'Unauthorized', message: 'the last scrape of node node-a failed; see /status' });
    const config = { kubeletconfig: { authentication: { webhook: { enabled: true } } } };
    world.apiServer.documents.set('/api/v1/nodes/node-a/proxy/configz', config);
    assert.match((await found(world, 'kubelet-unauthorized')).problem, /although webhook token authentication is on/);
  });

  test('kubernetes-sigs/kubespray#9289: 403, as the account lacks a right', async () => {
    await using world = await createNodeWorld();
    world.serve({ code: 'Forbidden', message: 'the last scrape of node node-a failed; see /status' });
    const finding = await found(world, 'kubelet-forbidden');
    await world.run(finding);
    assert.deepEqual(subjectOf(world, 'kubegauge:nodes-metrics'), {
      kind: 'ServiceAccount',
      namespace: 'kube-system',
      name: 'kubegauge',
    });
    world.serve({ ageMs: 20_000 });
    await gone(world, 'kubelet-forbidden');
  });

  for (const [setting, account] of [
    ['kubegauge-kubelets', { namespace: 'kube-system', name: 'kubegauge-kubelets' }],
    ['monitoring/readers', { namespace: 'monitoring', name: 'readers' }],
    ['own', { namespace: 'kube-system', name: 'kubegauge' }],
  ] as const) {
    test(`the right is granted to the account of --kubelet-service-account=${setting}`, async () => {
      await using world = await createNodeWorld();
      world.setArgs(...world.args().slice(1), `--kubelet-service-account=${setting}`);
      world.serve({ code: 'Forbidden', message: 'the last scrape of node node-a failed; see /status' });
      await world.run(await found(world, 'kubelet-forbidden'));
      assert.deepEqual(subjectOf(world, `${account.name}:nodes-metrics`), { kind: 'ServiceAccount', ...account });
    });
  }

  test('without the right to get nodes/proxy it says so, and finds the rest', async () => {
    await using world = await createNodeWorld();
    world.serve({ code: 'Unauthorized', message: 'the last scrape of node node-a failed; see /status' });
    world.apiServer.faults.answer = ({ path }) => (path.includes('/nodes/node-a/proxy/') ? 403 : undefined);
    await found(world, 'kubelet-unauthorized');
    const unchecked = await world.find('unchecked');
    assert.match(unchecked?.problem ?? '', /needs the right to get nodes\/proxy/);
  });
});

describe('metrics-server', () => {
  test('kubernetes-sigs/metrics-server#963: gives no causes, but its log does', async () => {
    await using world = await createNodeWorld();
    const line = `E1129 15:40:35.362224       1 scraper.go:149] "Failed to scrape node" err="request failed, status: \\"401 Unauthorized\\"" node="node-a"`;
    log(world, line);
    const finding = await found(world, 'kubelet-unauthorized');
    assert.equal(finding.evidence, 'Unauthorized: request failed, status: "401 Unauthorized"');
  });
});

/** metrics-server gives no causes: what its log says of node-a. */
function log(world: NodeWorld, line: string): void {
  world.serve({ code: '', message: '' });
  const notFound = { kind: 'Status', message: 'nodemetrics.metrics.k8s.io "node-a" not found', code: 404 };
  world.apiServer.documents.set('/apis/metrics.k8s.io/v1beta1/nodes/node-a', notFound);
  world.apiServer.documents.set('/api/v1/namespaces/kube-system/pods/metrics-server-f6f4c8d5b-abcde/log', `${line}\n`);
}

describe('the log of metrics-server', () => {
  const scrapes = (cause: string) =>
    `E1126 10:00:55.396391       1 scraper.go:140] "Failed to scrape node" err="${cause}" node="node-a"`;
  const collects = (failures: string) =>
    `E0115 02:59:40.074225       1 manager.go:102] unable to fully collect metrics: [${failures}]`;
  const summary = (node: string, cause: string) =>
    `unable to fully scrape metrics from source kubelet_summary:${node}: unable to fetch metrics from Kubelet ${node} (10.0.0.1): ${cause}`;
  const url = 'Get https://10.0.0.1:10250/stats/summary/';
  const reports: readonly (readonly [report: string, line: string, code: string, evidence: RegExp])[] = [
    [
      'kubernetes-sigs/metrics-server#1081: no answer within the deadline',
      scrapes('Get \\"https://192.168.65.4:10250/metrics/resource\\": context deadline exceeded'),
      'kubelet-unreachable',
      /^NoAnswer: .*context deadline exceeded/,
    ],
    [
      'kubernetes/kops#14708: DNS does not know the name of the node',
      scrapes(
        'Get \\"https://node-a:10250/metrics/resource\\": dial tcp: lookup node-a on 100.64.0.10:53: no such host',
      ),
      'kubelet-name-unknown',
      /^NameUnknown/,
    ],
    [
      'kubernetes-sigs/metrics-server#95: a line of 0.3 that lists all nodes',
      collects(
        `${summary('node-b', `${url}: x509: certificate signed by unknown authority`)}, ${summary('node-a', 'request failed - "403 Forbidden", response: "Forbidden (user=system:serviceaccount:kube-system:metrics-server, verb=get, resource=nodes, subresource=stats)"')}`,
      ),
      'kubelet-forbidden',
      /^Forbidden: request failed - "403 Forbidden".*subresource=stats\)"$/,
    ],
    [
      'kubernetes-sigs/metrics-server#202: plain HTTP to the TLS port',
      collects(
        summary(
          'node-a',
          'Get http://node-a:10250/stats/summary/: net/http: HTTP/1.x transport connection broken: malformed HTTP response "\\x15\\x03\\x01\\x00\\x02\\x02"',
        ),
      ),
      'kubelet-failing',
      /^PlainHttp/,
    ],
  ];
  for (const [report, line, code, evidence] of reports) {
    test(report, async () => {
      await using world = await createNodeWorld();
      log(world, line);
      const finding = await found(world, code);
      assert.match(finding.evidence ?? '', evidence);
      assert.ok(finding.remedy);
    });
  }

  test('the remedy for plain HTTP switches the flag off', async () => {
    await using world = await createNodeWorld();
    world.setArgs('--deprecated-kubelet-completely-insecure=true', '--kubelet-port=10250');
    log(world, collects(summary('node-a', 'malformed HTTP response "\\x15\\x03"')));
    await world.run(await found(world, 'kubelet-failing'));
    assert.ok(world.args().includes('--deprecated-kubelet-completely-insecure=false'), world.args().join(' '));
  });
});

describe('addresses and ports', () => {
  test('are those of a pod of the server where its Deployment cannot be read', async () => {
    await using world = await createNodeWorld();
    world.apiServer.faults.answer = ({ path }) => (path.endsWith('/deployments/metrics-server') ? 403 : undefined);
    world.serve({ code: 'ConnectionRefused', message: 'the last scrape of node node-a failed; see /status' });
    // The pod has only --secure-port.
    assert.match((await found(world, 'kubelet-port-differs')).problem, /but the server uses 10250/);
  });

  test('kubernetes-sigs/metrics-server#131: the name that is the first address does not resolve', async () => {
    await using world = await createNodeWorld();
    world.setArgs('--kubelet-use-node-status-port');
    world.serve({ code: 'NameUnknown', message: 'the last scrape of node node-a failed; see /status' });
    await world.run(await found(world, 'kubelet-name-unknown'));
    assert.ok(
      world.args().includes('--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname,InternalDNS,ExternalDNS'),
      world.args().join(' '),
    );
    world.serve({ ageMs: 20_000 });
    await gone(world, 'kubelet-name-unknown');
  });

  test('kubernetes-sigs/metrics-server#535: the kubelet listens on another port', async () => {
    await using world = await createNodeWorld();
    world.setArgs('--kubelet-preferred-address-types=InternalIP');
    world.serve({ code: 'ConnectionRefused', message: 'the last scrape of node node-a failed; see /status' });
    const finding = await found(world, 'kubelet-port-differs');
    assert.match(
      finding.problem,
      new RegExp(`port ${world.kubelet.port} by the status of the Node, but the server uses 10250`),
    );
    await world.run(finding);
    assert.ok(world.args().includes('--kubelet-use-node-status-port=true'));
    world.serve({ ageMs: 20_000 });
    await gone(world, 'kubelet-port-differs');
  });

  test('a node whose addresses are all of types that are not tried', async () => {
    await using world = await createNodeWorld();
    world.setNode({ addresses: [{ type: 'ExternalIP', address: '127.0.0.1' }] });
    world.serve({ code: 'NoAddress', message: 'the last scrape of node node-a failed; see /status' });
    await world.run(await found(world, 'node-no-address'));
    // By InternalIP the other nodes are read.
    assert.ok(world.args().includes('--kubelet-preferred-address-types=InternalIP,ExternalIP'));
    world.serve({ ageMs: 20_000 });
    await gone(world, 'node-no-address');
  });
});

describe('what is measured', () => {
  test('kubernetes-retired/heapster#802: the clock of the node is wrong', async () => {
    await using world = await createNodeWorld({ kubeletAheadMs: -600_000 });
    world.serve({ ageMs: 600_000 });
    const finding = await found(world, 'kubelet-clock');
    assert.match(finding.evidence ?? '', /at least \d+ s behind ours/);
    await world.run(finding);
    assert.match(world.restarted(), /^set-ntp true$/m);
  });

  test('kubernetes/kubernetes#89903: cAdvisor does not find containerd, and labels no container', async () => {
    await using world = await createNodeWorld();
    world.kubelet.faults.cadvisor = 'unlabelled';
    const finding = await found(world, 'cadvisor-unlabelled');
    assert.equal(finding.severity, 'warning');
    await world.run(finding);
    assert.match(world.restarted(), /restart kubelet/);
    world.kubelet.faults.cadvisor = 'none';
    await gone(world, 'cadvisor-unlabelled');
  });

  test('containerd elsewhere is linked; a socket at the usual path, as of Docker beside k3s, stays', async () => {
    await using world = await createNodeWorld();
    world.kubelet.faults.cadvisor = 'unlabelled';
    world.setRuntime('unix:///run/k3s/containerd/containerd.sock');
    const { remedy = '' } = await found(world, 'cadvisor-unlabelled');
    assert.match(
      remedy,
      /test ! -e \/run\/containerd\/containerd\.sock && .* ln -sfn \/run\/k3s\/containerd\/containerd\.sock /,
    );
  });

  test('a runtime that is not containerd gets no link at the path of containerd', async () => {
    await using world = await createNodeWorld();
    world.kubelet.faults.cadvisor = 'unlabelled';
    for (const socket of ['/run/crio/crio.sock', '/run/containerd/containerd.sock', '/run/my-containerd.sock']) {
      world.setRuntime(`unix://${socket}`);
      assert.equal(
        (await found(world, 'cadvisor-unlabelled')).remedy,
        "ssh -n node-a 'sudo systemctl restart kubelet'",
      );
    }
  });

  test('kubernetes/kubernetes#111077: with cri-dockerd, unlabelled series are a note without a remedy', async () => {
    await using world = await createNodeWorld();
    world.kubelet.faults.cadvisor = 'unlabelled';
    const isNote = async () => {
      const finding = await world.find('cadvisor-unlabelled');
      assert.deepEqual([finding?.severity, finding?.remedy], ['note', undefined]);
    };
    world.setRuntime('unix:///var/run/cri-dockerd.sock');
    await isNote();
    // The configuration is read of few nodes, and of none in the pod.
    world.apiServer.documents.delete('/api/v1/nodes/node-a/proxy/configz');
    world.setNode({ runtime: 'docker://28.3.0' });
    await isNote();
  });

  test('a kubelet on Windows has no cAdvisor, which is no fault', async () => {
    await using world = await createNodeWorld();
    world.setNode({ labels: { 'kubernetes.io/os': 'windows' } });
    world.kubelet.faults.cadvisor = 'windows';
    await gone(world, 'cadvisor-unusable');
    world.setNode({});
    assert.equal((await world.find('cadvisor-unusable'))?.severity, 'warning');
  });

  test('from a laptop that reaches no kubelet, certificates are unchecked and the rest is found', async () => {
    await using world = await createNodeWorld();
    world.setNode({ kubeletPort: await freePort() });
    world.kubelet.faults.cadvisor = 'unlabelled';
    const { findings } = await world.examine();
    assert.deepEqual(
      findings.map(({ code }) => code),
      ['cadvisor-unlabelled', 'unchecked'],
    );
    assert.match(findings[1]?.problem ?? '', /cannot be reached from here; run doctor in the pod/);
  });

  test('a usage of 0 and an old one', async () => {
    await using world = await createNodeWorld();
    world.serve({ ageMs: 20_000, cpu: '0' });
    assert.equal((await world.find('node-usage-zero'))?.severity, 'warning');
    world.serve({ ageMs: 600_000 });
    assert.equal((await world.find('node-usage-old'))?.severity, 'error');
  });

  test('a node that is not Ready, and one without usage for no reason that can be seen', async () => {
    await using world = await createNodeWorld();
    world.setNode({ ready: false });
    assert.equal((await world.find('node-not-ready'))?.severity, 'warning');
    world.setNode({});
    world.serve({ code: 'Stale', message: 'there is no newer sample' });
    assert.match((await world.find('node-usage-missing'))?.evidence ?? '', /Stale/);
  });

  test('a node that waits for its second sample is a note', async () => {
    await using world = await createNodeWorld();
    world.serve({ code: 'OneSample', message: 'it has one sample' });
    assert.equal((await world.find('node-one-sample'))?.severity, 'note');
    await gone(world, 'node-usage-missing');
  });
});

describe('with --resource-metrics=prometheus', () => {
  test('kubelets are not looked at, which is a note, also beside a kubelet that is not well', async () => {
    await using world = await createNodeWorld();
    world.show(makeAuthority('its own CA'));
    world.serve({ code: 'NoSample', message: 'Prometheus has no sample of its CPU' });
    world.setArgs('--resource-metrics=prometheus', '--config=/etc/adapter/config.yaml');
    const asked = world.kubelet.requests.length;
    const { findings } = await world.examine();
    assert.deepEqual(
      findings.map(({ code, severity, object }) => [code, severity, object]),
      [['kubelets-not-scraped', 'note', 'metrics.k8s.io']],
    );
    assert.match(findings[0]?.remedy ?? '', /^kubegauge doctor custom-metrics/);
    assert.equal(world.kubelet.requests.length, asked);
  });

  test('kubelets are looked at that are scraped for custom metrics', async () => {
    await using world = await createNodeWorld();
    world.show(makeAuthority('its own CA'));
    world.serve({ code: 'UnknownAuthority', message: 'the last scrape of node node-a failed; see /status' });
    world.setArgs('--kubelet-use-node-status-port', '--resource-metrics=prometheus', '--custom-metrics=kubelet');
    await found(world, 'kubelet-certificate-untrusted');
    assert.equal(await world.find('kubelets-not-scraped'), undefined);
  });
});

describe('many nodes', () => {
  test('that --node-selector leaves out are not missed', async () => {
    await using world = await createNodeWorld();
    world.apiServer.objects.set(node('other', { labels: { zone: 'b' } }));
    assert.equal(
      (await world.find('node-usage-missing'))?.object ?? (await world.find('kubelet-failing'))?.object,
      'Node other',
    );
    world.setArgs('--kubelet-use-node-status-port', '--node-selector=zone!=b');
    await gone(world, 'node-usage-missing');
  });

  test('with one cause are one finding, and only some of them are asked about', async () => {
    await using world = await createNodeWorld();
    world.serve({ code: 'Unauthorized', message: 'the last scrape of node node-a failed; see /status' });
    const status = world.apiServer.documents.get('/apis/metrics.k8s.io/v1beta1/nodes/node-a');
    assert.ok(status);
    for (let index = 0; index < 300; index += 1) {
      const name = `pool-${String(index).padStart(3, '0')}`;
      world.apiServer.objects.set(node(name, { kubeletPort: world.kubelet.port }));
      world.apiServer.documents.set(`/apis/metrics.k8s.io/v1beta1/nodes/${name}`, status);
    }
    const { findings } = await world.examine();
    const errors = findings.filter(({ severity }) => severity === 'error');
    assert.deepEqual(
      errors.map(({ code, object }) => [code, object]),
      [
        ['kubelet-unauthorized', '100 Nodes: node-a, pool-000, pool-001 and 97 others'],
        ['node-usage-missing', '201 Nodes: pool-099, pool-100, pool-101 and 198 others'],
      ],
    );
    const asked = world.apiServer.requests.filter(({ path }) => path.includes('/proxy/'));
    // Two of each of 50 nodes, and three configurations.
    assert.ok(asked.length <= 103, `${asked.length} requests through the node proxy`);
  });
});
