/** The running cluster as the end-to-end tests see it: addresses, kubectl, host processes in its network, its kubelet. */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { type CommandOptions, runInNamespace, spawnInNamespace } from './command.ts';
import { type ComponentName, componentNames, components, kubeletPki, writeConfiguration } from './components.ts';
import { type ImageSource, importArchive, importImage, tagImage } from './image.ts';
import { kubectl, startKubectl } from './kubectl.ts';
import { containerProcesses } from './needs.ts';
import {
  identify,
  isRunning,
  logFile,
  readProcess,
  readProcesses,
  signal,
  start,
  startAgain,
  stop,
} from './process.ts';
import { apiServerReady, approveServingCertificate, containerdAnswers, kubeletAnswers } from './ready.ts';
import {
  adminKubeconfig,
  apiServerUrl,
  type ClusterRecord,
  pkiFile,
  readRecord,
  readSettings,
  type Settings,
} from './settings.ts';
import { build } from './toolchain.ts';
import { waitFor } from './wait.ts';

export interface Cluster {
  readonly settings: Settings;
  readonly nodeName: string;
  /** The bridge's address. A server started with inNamespace listens here, and its EndpointSlice names it. */
  readonly nodeIp: string;
  readonly apiServerUrl: string;
  /** cluster-admin by client certificate. */
  readonly kubeconfig: string;
  /** The path of the network namespace, for `nsenter --net=`. */
  readonly networkNamespace: string;
  /** Signs kube-apiserver's and the kubelet's serving certificates and all client certificates. */
  readonly caFile: string;
  /** In every cluster; pods use them with imagePullPolicy Never. The busybox image has the shell as its entrypoint. */
  readonly images: { readonly busybox: string; readonly pause: string };

  /** Runs kubectl as cluster-admin and returns what it prints. Throws CommandFailed. */
  kubectl(args: readonly string[], options?: CommandOptions): Promise<string>;
  /** Starts kubectl as cluster-admin, for a watch. The caller ends it. */
  startKubectl(args: readonly string[], options?: SpawnOptions): ChildProcess;
  /** Starts a process on this machine in the cluster's network. The caller ends it. */
  inNamespace(command: string, args: readonly string[], options?: SpawnOptions): ChildProcess;
  /** Runs a command in the cluster's network to its end (curl, ab) and returns what it prints. Throws CommandFailed. */
  runInNamespace(command: string, args: readonly string[], options?: CommandOptions): Promise<string>;
  /** Makes an image of a folder; see ImageSource. */
  importImage(source: ImageSource): Promise<void>;
  /** The path of an OCI archive. */
  importArchive(archive: string): Promise<void>;
  /** Gives an image that was imported a second name. */
  tagImage(name: string, other: string): Promise<void>;
  /** The real metrics-server's binary, built first if need be. */
  metricsServer(): Promise<string>;

  /** Ends a component and leaves it ended. */
  stopComponent(name: ComponentName): Promise<void>;
  /** Starts an ended component again with the same command line. */
  startComponent(name: ComponentName): Promise<void>;
  /** Ends kube-apiserver and starts it again, with other arguments than the usual ones where they are changed. Resolves when it is ready. */
  restartApiServer(change?: (args: readonly string[]) => readonly string[]): Promise<void>;
  /** Ends the kubelet and starts it again; resolves when it answers kube-apiserver. Pods keep running. */
  restartKubelet(): Promise<void>;
  /**
   * Restarts the kubelet with a certificate that it makes itself, with a new key each time; kube-apiserver does not reach it then (logs, exec).
   * restartKubelet() undoes it.
   */
  selfSignKubelet(): Promise<void>;
  /** Restarts containerd with its socket at another path, and the kubelet with it; without a path back at the usual one. Pods keep running. */
  moveRuntime(socket?: string): Promise<void>;
  /** Ends a container as a machine does that has no memory left. Resolves when its processes are gone. @param id as in the pod's status. */
  killContainer(id: string): Promise<void>;
  /** Approves what the kubelet asks for; only needed where its certificates are removed. */
  approveServingCertificate(): Promise<void>;
  /** The file with everything a component has printed. */
  logFile(name: ComponentName): string;
}

/** The cluster that `npm run cluster -- up` left running. Throws when it does not run. */
export function openCluster(settings: Settings = readSettings()): Cluster {
  const record = recordOfRunning(settings);
  const client = (args: readonly string[], options?: CommandOptions) => kubectl(settings, args, options);
  return {
    settings,
    nodeName: settings.nodeName,
    nodeIp: settings.nodeIp,
    apiServerUrl: apiServerUrl(settings),
    kubeconfig: adminKubeconfig(settings),
    networkNamespace: settings.networkNamespace,
    caFile: pkiFile(settings, 'ca.crt'),
    images: settings.images,
    kubectl: client,
    startKubectl: (args, options) => startKubectl(settings, args, options),
    inNamespace: (command, args, options) => spawnInNamespace(settings, command, args, options),
    runInNamespace: (command, args, options) => runInNamespace(settings, command, args, options),
    importImage: (source) => importImage(settings, record, source),
    importArchive: (archive) => importArchive(settings, record, archive),
    tagImage: (name, other) => tagImage(settings, record, name, other),
    metricsServer: async () => path.join(await build(settings, 'metrics-server'), 'metrics-server'),
    stopComponent: (name) => stop(readProcess(settings, name)),
    startComponent: (name) => startAgain(settings, name),
    restartApiServer,
    restartKubelet,
    selfSignKubelet,
    moveRuntime,
    killContainer,
    approveServingCertificate: () => approveServingCertificate(settings),
    logFile: (name) => logFile(settings, name),
  };

  async function restartApiServer(change = (args: readonly string[]) => args): Promise<void> {
    await stop(readProcess(settings, 'kube-apiserver'), apiServerGraceMs);
    const program = components(settings, record)['kube-apiserver'];
    await start(settings, { ...program, args: change(program.args) });
    await apiServerReady(settings);
  }

  async function selfSignKubelet(): Promise<void> {
    await stop(readProcess(settings, 'kubelet'));
    for (const file of ['kubelet.crt', 'kubelet.key']) await rm(path.join(kubeletPki(settings), file), { force: true });
    await writeConfiguration(settings, record, 'self-signed');
    await startAgain(settings, 'kubelet');
  }

  async function restartKubelet(): Promise<void> {
    await stop(readProcess(settings, 'kubelet'));
    await writeConfiguration(settings, record);
    await startAgain(settings, 'kubelet');
    await kubeletAnswers(settings);
  }

  async function moveRuntime(socket = settings.containerdSocket): Promise<void> {
    for (const name of ['kubelet', 'containerd']) await stop(readProcess(settings, name));
    const moved = { ...settings, containerdSocket: socket };
    await writeConfiguration(moved, record);
    await startAgain(settings, 'containerd');
    await containerdAnswers(moved, record);
    await startAgain(settings, 'kubelet');
    await kubeletAnswers(settings);
  }
}

/** Its requests have ended by then. It would wait a minute for watches, which do not end. */
const apiServerGraceMs = 2_000;

async function killContainer(id: string): Promise<void> {
  const processes = containerProcesses(id.replace(/^.*:\/\//, '')).flatMap((pid) => identify(pid) ?? []);
  if (processes.length === 0) throw new Error(`no process is in container ${id}`);
  for (const process of processes) signal(process, 'SIGKILL');
  await waitFor(`the processes of ${id} to go`, () => !processes.some(isRunning), 10_000, 20);
}

function recordOfRunning(settings: Settings): ClusterRecord {
  const record = readRecord(settings);
  const running = record === undefined ? [] : readProcesses(settings).filter(isRunning);
  const missing = componentNames.filter((name) => !running.some((process) => process.name === name));
  if (record !== undefined && missing.length === 0) return record;
  throw new Error(`no cluster runs in ${settings.runFolder}; run: npm run cluster -- up`);
}
