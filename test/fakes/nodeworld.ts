/** Nodes with kubelets, an installed server, and answers of metrics.k8s.io about them, for the doctor to look at. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { nodeChecks } from '../../src/doctor/nodes/checks.ts';
import { type Examination, examine } from '../../src/doctor/examination.ts';
import type { ReportedFinding } from '../../src/doctor/finding.ts';
import { parseCommandLine } from '../../src/options/parse.ts';
import { createFakeApiServer, type FakeApiServer } from './apiserver.ts';
import { type Authority, type IssueOptions, makeAuthority } from './certificates.ts';
import { createInstallation, deployment } from './installation.ts';
import { createFakeKubelet, type FakeKubelet } from './kubelet.ts';
import { runCommands } from './kubectl.ts';
import { smallKubeletModel } from './kubeletmodel.ts';
import { type KubeObject, node, type NodeOptions } from './kubeobjects.ts';
import type { KubeletEndpoint } from './nodeproxy.ts';

export interface NodeWorld extends AsyncDisposable {
  readonly apiServer: FakeApiServer;
  /** Signed the kubelets' certificates; the cluster's CA. */
  readonly authority: Authority;
  /** The kubelet of node-a. */
  readonly kubelet: FakeKubelet;
  /** kubeadm's file of a kubelet's configuration, as a remedy on the node finds it. */
  readonly kubeletConfig: string;
  /** Services that remedies on nodes restarted. */
  restarted(): string;
  /** Writes the Node again. */
  setNode(options: NodeOptions): void;
  /** Sets what metrics.k8s.io serves of node-a: a usage of this age, or a 404 with the server's causes. */
  serve(
    usage: { readonly ageMs: number; readonly cpu?: string } | { readonly code: string; readonly message: string },
  ): void;
  /** Shows another certificate from now on. */
  show(authority: Authority, options?: Partial<IssueOptions>): void;
  /** Sets the socket that the kubelet's configuration names. */
  setRuntime(endpoint: string): void;
  /** Arguments of the server's Deployment. */
  setArgs(...args: readonly string[]): void;
  args(): readonly string[];
  examine(): Promise<Examination>;
  find(code: string): Promise<ReportedFinding | undefined>;
  /** Pastes a remedy into a shell: kubectl writes into the fake API server, ssh runs the rest here on this world's files. */
  run(finding: ReportedFinding | undefined): Promise<void>;
}

const usagesPath = '/apis/metrics.k8s.io/v1beta1/nodes';

export interface NodeWorldOptions {
  /** How far the kubelet's clock is ahead, in milliseconds. */
  readonly kubeletAheadMs?: number;
}

export async function createNodeWorld({ kubeletAheadMs = 0 }: NodeWorldOptions = {}): Promise<NodeWorld> {
  await using opened = new AsyncDisposableStack();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
  opened.defer(() => rmSync(folder, { recursive: true }));
  const authority = makeAuthority('kubernetes');
  const certificate = issue(authority);
  const now = () => Date.now() + kubeletAheadMs;
  const model = smallKubeletModel('node-a', now());
  const accepts = (token: string) => token === 'kube-apiserver';
  const kubelet = opened.use(await createFakeKubelet({ certificate, accepts, model, now }));
  const kubelets = new Map<string, KubeletEndpoint>([
    ['node-a', { port: kubelet.port, ca: authority.cert, token: 'kube-apiserver' }],
  ]);
  const apiServer = opened.use(await createFakeApiServer({ kubelets }));
  opened.use(await createInstallation(apiServer));
  const rootMap = {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { namespace: 'kube-system', name: 'kube-root-ca.crt' },
  } as const;
  apiServer.objects.set({ ...rootMap, data: { 'ca.crt': authority.cert } });
  apiServer.documents.set('/apis/autoscaling/v2/horizontalpodautoscalers', { items: [] });
  // The server's own pod has usage.
  const metadata = { namespace: 'kube-system', name: 'metrics-server-f6f4c8d5b-abcde' };
  apiServer.documents.set('/apis/metrics.k8s.io/v1beta1/pods', {
    items: [{ metadata, timestamp: new Date().toISOString() }],
  });
  const kubeletConfig = path.join(folder, 'config.yaml');
  writeFileSync(
    kubeletConfig,
    'authentication:\n  webhook:\n    cacheTTL: 0s\n    enabled: false\nauthorization:\n  mode: Webhook\n',
  );
  const restarts = path.join(folder, 'restarts');
  writeFileSync(restarts, '');
  const world = {
    apiServer,
    authority,
    kubelet,
    kubeletConfig,
    restarted: () => readFileSync(restarts, 'utf8'),
    setNode: (options: NodeOptions) => apiServer.objects.set(node('node-a', { kubeletPort: kubelet.port, ...options })),
    serve,
    show: (other: Authority, options?: Partial<IssueOptions>) => kubelet.useCertificate(issue(other, options)),
    setRuntime: (endpoint: string) => {
      const document = { kubeletconfig: { containerRuntimeEndpoint: endpoint } };
      apiServer.documents.set('/api/v1/nodes/node-a/proxy/configz', document);
    },
    setArgs,
    args,
    examine: examineAll,
    find: async (code: string) => (await examineAll()).findings.find((finding) => finding.code === code),
    run,
  };
  world.setNode({});
  world.serve({ ageMs: 20_000 });
  world.setArgs('--kubelet-use-node-status-port', '--kubelet-preferred-address-types=InternalIP');
  const owned = opened.move();
  return { ...world, [Symbol.asyncDispose]: () => owned.disposeAsync() };

  function serve(usage: Parameters<NodeWorld['serve']>[0]): void {
    if ('ageMs' in usage) {
      const timestamp = new Date(Date.now() - usage.ageMs).toISOString();
      const item = { metadata: { name: 'node-a' }, timestamp, usage: { cpu: usage.cpu ?? '250m', memory: '1Gi' } };
      apiServer.documents.set(usagesPath, { items: [item] });
      apiServer.documents.set(`${usagesPath}/node-a`, item);
      return;
    }
    const causes = [
      { reason: 'NotReported', message: 'no kubelet has reported it yet' },
      { reason: usage.code, message: usage.message },
    ];
    apiServer.documents.set(usagesPath, { items: [] });
    apiServer.documents.set(`${usagesPath}/node-a`, {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason: 'NotFound',
      message: 'nodemetrics.metrics.k8s.io "node-a" not found',
      details: { causes },
      code: 404,
    });
  }

  function setArgs(...words: readonly string[]): void {
    const object = deployment('metrics-server', 'kubegauge:0.1.0', 10_250);
    const container = containerOf(object);
    if (container !== undefined) container.args = ['--secure-port=10250', ...words];
    apiServer.objects.set(object);
  }

  function args(): readonly string[] {
    return containerOf(apiServer.objects.get('Deployment', 'metrics-server', 'kube-system'))?.args ?? [];
  }

  function examineAll(): Promise<Examination> {
    const { options } = parseCommandLine([]);
    return examine(nodeChecks, { server: apiServer.connection, options, place: 'outside' });
  }

  async function run(finding: ReportedFinding | undefined): Promise<void> {
    const remedy = (finding?.remedy ?? '').replaceAll('/var/lib/kubelet/config.yaml', kubeletConfig);
    const node = [
      // Without -n, ssh reads what follows it in the paste.
      'ssh() { [ "$1" = -n ] || exit 1; shift 2; eval "$*"; }',
      'sudo() { "$@"; }',
      'sleep() { :; }',
      `systemctl() { echo "$*" >> ${restarts}; }`,
      'timedatectl() { systemctl "$@"; }',
      'chronyc() { systemctl "$@"; }',
    ];
    if (remedy === '') appendFileSync(restarts, 'no remedy\n');
    await runCommands(apiServer, [...node, remedy].join('\n'));
  }
}

function containerOf(deployment: KubeObject | undefined): { args: readonly string[] } | undefined {
  const { spec } = deployment as unknown as {
    spec: { template: { spec: { containers: { args: readonly string[] }[] } } };
  };
  return spec.template.spec.containers[0];
}

function issue(authority: Authority, options: Partial<IssueOptions> = {}): { cert: string; key: string } {
  return authority.issue({
    cn: 'system:node:node-a',
    o: ['system:nodes'],
    dns: ['node-a'],
    ips: ['127.0.0.1'],
    usages: ['server'],
    ...options,
  });
}
