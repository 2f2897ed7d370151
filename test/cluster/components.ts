/** Components of the cluster: command lines and configuration files. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { auditArgs, auditPolicy, auditPolicyFile } from './audit.ts';
import { kubeconfigFile } from './kubeconfig.ts';
import { findCommand } from './needs.ts';
import type { Program } from './process.ts';
import { type ClusterRecord, pkiFile, podSubnet, type Settings, serviceSubnet } from './settings.ts';

const etcdUrl = 'http://127.0.0.1:2379';
const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Also the order in which they may be started; `down` stops them in the opposite one. */
export const componentNames = [
  'etcd',
  'kube-apiserver',
  'containerd',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
] as const;
export type ComponentName = (typeof componentNames)[number];

/** The components' command lines. Their configuration files must have been written (writeConfiguration). */
export function components(settings: Settings, record: ClusterRecord): Readonly<Record<ComponentName, Program>> {
  const kubernetes = (name: ComponentName, args: string[], binary: string = name): Program => ({
    name,
    command: path.join(record.kubernetesBin, binary),
    args,
    path: systemPath,
  });
  return {
    // The Go tool is named after the last folder of its package, go.etcd.io/etcd/server.
    etcd: kubernetes('etcd', etcdArgs(settings), 'server'),
    'kube-apiserver': kubernetes('kube-apiserver', apiServerArgs(settings)),
    containerd: {
      name: 'containerd',
      command: path.join(record.containerdBin, 'containerd'),
      args: ['--config', path.join(settings.runFolder, 'containerd/config.toml')],
      path: `${record.containerdBin}:${systemPath}`,
    },
    'kube-controller-manager': kubernetes('kube-controller-manager', controllerManagerArgs(settings)),
    'kube-scheduler': kubernetes('kube-scheduler', schedulerArgs(settings)),
    kubelet: kubernetes('kubelet', kubeletArgs(settings)),
  };
}

/** Writes what kube-apiserver, containerd, its network plugins and the kubelet read from files. */
export async function writeConfiguration(
  settings: Settings,
  record: ClusterRecord,
  certificate: KubeletCertificate = 'cluster',
): Promise<void> {
  for (const folder of ['containerd', 'cni/conf.d', 'kubelet']) {
    await mkdir(path.join(settings.runFolder, folder), { recursive: true });
  }
  await mkdir(staticPodFolder(settings), { recursive: true });
  const write = (file: string, text: string) => writeFile(path.join(settings.runFolder, file), text);
  await write('containerd/config.toml', containerdConfig(settings, record));
  await write('cni/conf.d/10-kubegauge.conflist', JSON.stringify(networkConfig(settings), undefined, 2));
  await writeFile(auditPolicyFile(settings), JSON.stringify(auditPolicy(), undefined, 2));
  await write('kubelet/config.json', JSON.stringify(kubeletConfig(settings, certificate), undefined, 2));
}

/** Each pod that is described in a file of this folder runs for as long as the file is there. */
export function staticPodFolder(settings: Settings): string {
  return path.join(settings.runFolder, 'kubelet/static-pods');
}

/** Where the kubelet keeps its certificates; `kubelet.crt` and `kubelet.key` are those that it has made itself. */
export function kubeletPki(settings: Settings): string {
  return path.join(settings.runFolder, 'kubelet/pki');
}

function etcdArgs(settings: Settings): string[] {
  return [
    `--data-dir=${path.join(settings.runFolder, 'etcd')}`,
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    '--listen-peer-urls=http://127.0.0.1:2380',
    // The data is thrown away with the cluster.
    '--unsafe-no-fsync',
  ];
}

function apiServerArgs(settings: Settings): string[] {
  return [
    `--etcd-servers=${etcdUrl}`,
    `--advertise-address=${settings.nodeIp}`,
    `--secure-port=${settings.apiServerPort}`,
    `--service-cluster-ip-range=${serviceSubnet}`,
    '--allow-privileged=true',
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    `--client-ca-file=${pkiFile(settings, 'ca.crt')}`,
    `--tls-cert-file=${pkiFile(settings, 'apiserver.crt')}`,
    `--tls-private-key-file=${pkiFile(settings, 'apiserver.key')}`,
    `--kubelet-certificate-authority=${pkiFile(settings, 'ca.crt')}`,
    `--kubelet-client-certificate=${pkiFile(settings, 'apiserver-kubelet-client.crt')}`,
    `--kubelet-client-key=${pkiFile(settings, 'apiserver-kubelet-client.key')}`,
    '--kubelet-preferred-address-types=InternalIP',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${pkiFile(settings, 'sa.pub')}`,
    `--service-account-signing-key-file=${pkiFile(settings, 'sa.key')}`,
    `--requestheader-client-ca-file=${pkiFile(settings, 'front-proxy-ca.crt')}`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    `--proxy-client-cert-file=${pkiFile(settings, 'front-proxy-client.crt')}`,
    `--proxy-client-key-file=${pkiFile(settings, 'front-proxy-client.key')}`,
    // Without kube-proxy no service address is routed; this way extension servers are reached through their EndpointSlice.
    '--enable-aggregator-routing=true',
    ...auditArgs(settings),
  ];
}

function controllerManagerArgs(settings: Settings): string[] {
  const kubeconfig = kubeconfigFile(settings, 'controller-manager');
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    '--bind-address=127.0.0.1',
    '--leader-elect=false',
    '--use-service-account-credentials=true',
    `--root-ca-file=${pkiFile(settings, 'ca.crt')}`,
    `--service-account-private-key-file=${pkiFile(settings, 'sa.key')}`,
    `--cluster-signing-cert-file=${pkiFile(settings, 'ca.crt')}`,
    `--cluster-signing-key-file=${pkiFile(settings, 'ca.key')}`,
    // Made at start; the default is below /usr/libexec.
    `--flex-volume-plugin-dir=${path.join(settings.runFolder, 'volume-plugins')}`,
    // The default is 50 s: too long to watch a node go and come back in a test. The kubelet renews its lease each 10 s.
    '--node-monitor-grace-period=25s',
    // The defaults are 15 s, 5 min, 5 min and 30 s: too long to watch an autoscaler go up and down in a test.
    '--horizontal-pod-autoscaler-sync-period=2s',
    '--horizontal-pod-autoscaler-downscale-stabilization=30s',
    '--horizontal-pod-autoscaler-cpu-initialization-period=30s',
    '--horizontal-pod-autoscaler-initial-readiness-delay=10s',
  ];
}

function schedulerArgs(settings: Settings): string[] {
  const kubeconfig = kubeconfigFile(settings, 'scheduler');
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    '--bind-address=127.0.0.1',
    '--leader-elect=false',
  ];
}

function kubeletArgs(settings: Settings): string[] {
  const folder = path.join(settings.runFolder, 'kubelet');
  return [
    `--config=${path.join(folder, 'config.json')}`,
    `--kubeconfig=${kubeconfigFile(settings, 'kubelet')}`,
    `--root-dir=${path.join(folder, 'root')}`,
    `--cert-dir=${kubeletPki(settings)}`,
    `--hostname-override=${settings.nodeName}`,
    `--node-ip=${settings.nodeIp}`,
  ];
}

/** Whose serving certificate a kubelet has: one that the cluster signs on request, or one that it makes itself. */
export type KubeletCertificate = 'cluster' | 'self-signed';

function kubeletConfig(settings: Settings, certificate: KubeletCertificate): unknown {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint: `unix://${settings.containerdSocket}`,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: pkiFile(settings, 'ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    serverTLSBootstrap: certificate === 'cluster',
    cgroupDriver: 'cgroupfs',
    failCgroupV1: false,
    failSwapOn: false,
    localStorageCapacityIsolation: false,
    // Lowering it is not allowed everywhere, and nothing here needs to survive an out-of-memory kill.
    oomScoreAdj: 0,
    // Pods need no names resolved, and the machine's resolver is not reachable from the cluster's network.
    resolvConf: '',
    // The disk and the memory belong to the machine; how full they are must not evict a test's pods or its images.
    evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    podLogsDir: path.join(settings.runFolder, 'kubelet/pod-logs'),
    volumePluginDir: path.join(settings.runFolder, 'volume-plugins'),
    staticPodPath: staticPodFolder(settings),
    // The default is 20 s.
    fileCheckFrequency: '2s',
  };
}

function containerdConfig(settings: Settings, record: ClusterRecord): string {
  const folder = path.join(settings.runFolder, 'containerd');
  const text = JSON.stringify; // a JSON string is a TOML string
  return `version = 3
root = ${text(path.join(folder, 'root'))}
state = ${text(path.join(folder, 'state'))}

[grpc]
address = ${text(settings.containerdSocket)}

[plugins."io.containerd.cri.v1.runtime"]
# Where lowering oom_score_adj is forbidden every sandbox would fail with "can't get final child's PID from pipe: EOF".
restrict_oom_score_adj = true
# Below the state folder instead of /run/netns, where only this cluster's are.
netns_mounts_under_state_dir = true

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
BinaryName = ${text(findCommand('runc') ?? 'runc')}

[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = [${text(record.kubernetesBin)}]
conf_dir = ${text(path.join(settings.runFolder, 'cni/conf.d'))}

[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = ${text(settings.images.pause)}

[plugins."io.containerd.internal.v1.opt"]
path = ${text(path.join(folder, 'opt'))}

[plugins."io.containerd.nri.v1.nri"]
disable = true
`;
}

function networkConfig(settings: Settings): unknown {
  return {
    cniVersion: '1.0.0',
    name: 'kubegauge',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        ipMasq: false,
        ipam: {
          type: 'host-local',
          dataDir: path.join(settings.runFolder, 'cni/addresses'),
          ranges: [[{ subnet: podSubnet }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  };
}
