/** Brings the cluster up: from the binaries to a node that is Ready, leaving everything running detached. */
import { chmodSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { importBaseImages } from './base-images.ts';
import { type ComponentName, componentNames, components, writeConfiguration } from './components.ts';
import { writeKubeconfigs } from './kubeconfig.ts';
import { requireMachine, UnmetNeed } from './needs.ts';
import { makeNetwork } from './network.ts';
import { writePki } from './pki.ts';
import { isRunning, readProcesses, start } from './process.ts';
import {
  apiServerReady,
  approveServingCertificate,
  containerdAnswers,
  defaultServiceAccount,
  kubeletAnswers,
  nodeReady,
} from './ready.ts';
import { surveyMachine } from './residue.ts';
import { adminKubeconfig, type ClusterRecord, readRecord, recordFile, type Settings } from './settings.ts';
import { build } from './toolchain.ts';

/** Returns when a pod could be scheduled. Says so and does nothing when the cluster already runs. */
export async function up(settings: Settings): Promise<void> {
  if (alreadyUp(settings)) {
    console.log('the cluster is already up');
    return;
  }
  await requireMachine(settings);
  const kubernetesBin = await build(settings, 'kubernetes');
  const containerdBin = await build(settings, 'containerd');
  const startedMs = performance.now();
  const done = (what: string) => console.log(`${((performance.now() - startedMs) / 1000).toFixed(1)} s: ${what}`);

  const record: ClusterRecord = { kubernetesBin, containerdBin, ...surveyMachine() };
  await claimRunFolder(settings, record);
  await makeNetwork(settings);
  await writePki(settings);
  await writeKubeconfigs(settings);
  await writeKubectlScript(settings, record);
  await writeConfiguration(settings, record);
  done('network, certificates and configuration written');

  const programs = components(settings, record);
  const launch = (name: ComponentName) => start(settings, programs[name]);
  await launch('etcd');
  await launch('kube-apiserver');
  await launch('containerd');
  await Promise.all([importImages(), apiServerReady(settings)]);
  done('kube-apiserver is ready, images are imported');
  await launch('kube-controller-manager');
  await launch('kube-scheduler');
  await launch('kubelet');
  await Promise.all([approveServingCertificate(settings), nodeReady(settings), defaultServiceAccount(settings)]);
  await kubeletAnswers(settings);
  done(`node ${settings.nodeName} is Ready`);
  console.log(`try: ${path.join(settings.runFolder, 'kubectl')} get nodes`);
  console.log(
    `kubeconfig: ${adminKubeconfig(settings)} (reachable from inside nsenter --net=${settings.networkNamespace})`,
  );

  async function importImages(): Promise<void> {
    await containerdAnswers(settings, record);
    await importBaseImages(settings, record);
  }
}

/** Throws when there is a cluster of which something does not run. */
function alreadyUp(settings: Settings): boolean {
  if (readRecord(settings) === undefined) return false;
  const running = readProcesses(settings).filter(isRunning);
  const missing = componentNames.filter((name) => !running.some((process) => process.name === name));
  if (missing.length === 0) return true;
  throw new Error(`${settings.runFolder} holds a cluster without a running ${missing.join(', ')}; take it down first`);
}

/** The record is the first thing written, so that `down` can clean up whatever comes after it. */
async function claimRunFolder(settings: Settings, record: ClusterRecord): Promise<void> {
  await mkdir(settings.runFolder, { recursive: true });
  if ((await readdir(settings.runFolder)).length > 0) {
    throw new UnmetNeed(`needs: ${settings.runFolder} to be empty or absent, or another KUBEGAUGE_CLUSTER_DIR`);
  }
  await writeFile(recordFile(settings), JSON.stringify(record, undefined, 2), { flag: 'wx' });
}

/** For people: kubectl with everything it needs. */
async function writeKubectlScript(settings: Settings, record: ClusterRecord): Promise<void> {
  const file = path.join(settings.runFolder, 'kubectl');
  const options = `--kubeconfig=${adminKubeconfig(settings)} --cache-dir=${path.join(settings.runFolder, 'kubectl-cache')}`;
  const binary = path.join(record.kubernetesBin, 'kubectl');
  await writeFile(file, `#!/bin/sh\nexec nsenter --net=${settings.networkNamespace} -- ${binary} ${options} "$@"\n`);
  chmodSync(file, 0o755);
}
