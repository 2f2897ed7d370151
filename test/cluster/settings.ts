/** Names, addresses and folders of the test cluster: what every other file here agrees on. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

export interface Settings {
  /** Everything the cluster writes is below this folder; `down` removes it. */
  readonly runFolder: string;
  /** Where built binaries are kept between runs. */
  readonly toolchainCache: string;
  readonly nodeName: string;
  /** The bridge's address: the node's, kube-apiserver's, and that of every server started by a test. */
  readonly nodeIp: string;
  readonly apiServerPort: number;
  /** The network namespace; enter it with `nsenter --net=<path>`. */
  readonly networkNamespace: string;
  /** containerd's default. With another path cAdvisor does not find containerd and labels no container row. */
  readonly containerdSocket: string;
  readonly images: { readonly busybox: string; readonly pause: string };
}

export const podSubnet = '10.78.0.0/24';
export const serviceSubnet = '10.96.0.0/16';
/** The first address of serviceSubnet: the Service `kubernetes`. Nothing routes to it, but certificates name it. */
export const kubernetesServiceIp = '10.96.0.1';

/** Reads the two overridable folders from the environment; all else is fixed, one machine runs one such cluster. */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const runFolder = path.resolve(env['KUBEGAUGE_CLUSTER_DIR'] ?? '/var/lib/kubegauge-cluster');
  return {
    runFolder,
    toolchainCache: path.join(env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'kubegauge/toolchain'),
    nodeName: 'kubegauge-node',
    nodeIp: '10.77.0.2',
    apiServerPort: 6443,
    networkNamespace: path.join(runFolder, 'netns'),
    containerdSocket: '/run/containerd/containerd.sock',
    images: { busybox: 'localhost/kubegauge/busybox:1', pause: 'localhost/kubegauge/pause:1' },
  };
}

/** Decisions of `up` that later commands need. */
export interface ClusterRecord {
  readonly kubernetesBin: string;
  readonly containerdBin: string;
  /** Folders outside the run folder that the components will make, and that were not there before. */
  readonly absentBefore: readonly string[];
  /** Kernel settings that the kubelet changes, as they were: file below /proc/sys and value. */
  readonly sysctls: readonly (readonly [file: string, value: string])[];
}

/** The record's file; its presence is also what marks a folder as a cluster's run folder. */
export const recordFile = (settings: Settings): string => path.join(settings.runFolder, 'cluster.json');
export const adminKubeconfig = (settings: Settings): string => path.join(settings.runFolder, 'kubeconfigs/admin.json');
export const pkiFile = (settings: Settings, name: string): string => path.join(settings.runFolder, 'pki', name);
export const apiServerUrl = (settings: Settings): string => `https://${settings.nodeIp}:${settings.apiServerPort}`;

/** The record of the cluster in the run folder, undefined when there is none. */
export function readRecord(settings: Settings): ClusterRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(recordFile(settings), 'utf8'));
    if (isClusterRecord(record)) return record;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  }
  throw new Error(`${recordFile(settings)} is damaged; reboot and remove its folder`);
}

/** Written by `up` only, so that it has all when it has the first and the last. */
function isClusterRecord(value: unknown): value is ClusterRecord {
  return typeof value === 'object' && value !== null && 'kubernetesBin' in value && 'sysctls' in value;
}
