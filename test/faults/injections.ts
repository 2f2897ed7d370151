/** How faults of kubelets are made, and made sure of: a fault that a server did not meet proves nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../cluster/wait.ts';
import type { KubeletRequestRecord } from '../fakes/kubelet.ts';
import type { KubeletFault } from '../fakes/kubeletfaults.ts';
import type { Distortion, LabNode } from './labnode.ts';

/** By two resolutions every server has asked every kubelet; on a busy machine later. */
const metTimeoutMs = 60_000;

/** One answer to each server is like that. */
export async function once(nodes: readonly LabNode[], fault: KubeletFault): Promise<void> {
  const met = meetings(nodes);
  setFault(nodes, fault);
  try {
    await waitFor('both servers to meet the fault', met, metTimeoutMs, 20);
  } finally {
    setFault(nodes, 'none');
  }
}

/** All answers for some time are like that, and until both servers have had one. */
export async function during(node: LabNode, fault: KubeletFault, ms: number): Promise<void> {
  const met = meetings([node]);
  setFault([node], fault);
  try {
    await Promise.all([sleep(ms), waitFor('both servers to meet the fault', met, metTimeoutMs, 20)]);
  } finally {
    setFault([node], 'none');
  }
}

/** One sample of the node is like that, and both servers get it. */
export async function distortOnce(node: LabNode, change: Distortion): Promise<void> {
  const met = meetings([node]);
  const undo = node.distort(change, 'one sample');
  try {
    await waitFor('both servers to get the sample', met, metTimeoutMs, 20);
  } finally {
    undo();
  }
}

/** All samples are like that for some time, and until both servers have had one; without a time, for ever. */
export async function distortFromNow(node: LabNode, change: Distortion, ms?: number): Promise<void> {
  const met = meetings([node]);
  const undo = node.distort(change, 'all samples');
  if (ms === undefined) {
    await waitFor('both servers to get such samples', met, metTimeoutMs, 20);
    return;
  }
  try {
    await Promise.all([sleep(ms), waitFor('both servers to get such samples', met, metTimeoutMs, 20)]);
  } finally {
    undo();
  }
}

/** The node's clock is set, for ever. */
export async function setClock(node: LabNode, aheadMs: number): Promise<void> {
  const met = meetings([node]);
  node.setClock(aheadMs);
  await waitFor('both servers to ask again', met, metTimeoutMs, 20);
}

/** For some time, and until both servers have had one, all samples are those of now. */
export async function freeze(node: LabNode, ms: number): Promise<void> {
  const met = meetings([node]);
  node.kubelet.faults.frozen = true;
  try {
    await Promise.all([sleep(ms), waitFor('both servers to meet the frozen samples', met, metTimeoutMs, 20)]);
  } finally {
    node.kubelet.faults.frozen = false;
  }
}

/** Whether by now both servers have asked each of these nodes since this was called. */
export function meetings(nodes: readonly LabNode[]): () => boolean {
  const known = nodes.map(({ kubelet }) => ({ kubelet, latest: kubelet.requests.at(-1) }));
  return () =>
    known.every(({ kubelet, latest }) => {
      const since = kubelet.requests.slice(latest === undefined ? 0 : kubelet.requests.lastIndexOf(latest) + 1);
      return since.some(isOurs) && since.some((request) => !isOurs(request));
    });
}

const isOurs = ({ userAgent }: KubeletRequestRecord): boolean => userAgent.startsWith('kubegauge');

function setFault(nodes: readonly LabNode[], fault: KubeletFault): void {
  for (const { kubelet } of nodes) Object.assign(kubelet.faults, { cadvisor: fault, resource: fault });
}
