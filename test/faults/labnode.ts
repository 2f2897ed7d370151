/** One node of the lab: its kubelet, which always reports the true usage, and what can happen to both. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Issued } from '../fakes/certificates.ts';
import { createFakeKubelet, type FakeKubelet } from '../fakes/kubelet.ts';
import { hexId, type KubeletModel, type SampleModel } from '../fakes/kubeletmodel.ts';
import type { Truth, Usage } from './truth.ts';

export interface LabNode extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
  /** Another one after a restart. */
  readonly kubelet: FakeKubelet;
  /** The kubelet is gone for awayMs, and then knows its machine but for quietMs more no pod. */
  restartKubelet(awayMs: number, quietMs: number): Promise<void>;
  /** The containers of the node's pods end, and others take their places at once. Resolves when that has happened. */
  restartContainers(): Promise<void>;
  /** Changes what the kubelet reports: of one sample, which it then repeats, or of all. Returns what undoes it. */
  distort(change: Distortion, how: 'one sample' | 'all samples'): () => void;
  /** Sets the node's clock, by which samples and answers are timed, so many milliseconds ahead of ours. */
  setClock(aheadMs: number): void;
}

export type Distortion = (model: KubeletModel) => KubeletModel;

export interface LabNodeOptions {
  readonly name: string;
  readonly truth: Truth;
  /** By the pods' keys. */
  readonly uids: ReadonlyMap<string, string>;
  readonly certificate: Issued;
  readonly accepts: (token: string) => boolean;
}

/** CPU cores of each node, more than any uses. */
export const nodeCores = 16;

/** Samples are as fresh as this, so that the age of what a server reports is the server's doing. */
const sampleIntervalMs = 100;

export async function createLabNode({ name, truth, uids, certificate, accepts }: LabNodeOptions): Promise<LabNode> {
  const bootedMs = wholeSecond(Date.now()) - 3_600_000;
  let containersStartedMs = bootedMs;
  let knowsPods = true;
  let distortion: Distortion | undefined;
  let repeated: KubeletModel | undefined;
  let clockAheadMs = 0;
  const now = () => Date.now() + clockAheadMs;
  let kubelet = await createFakeKubelet({ certificate, accepts, now, model: model() });
  const { port } = kubelet;
  const sampling = setInterval(() => (kubelet.model = model()), sampleIntervalMs);
  return {
    name,
    port,
    get kubelet() {
      return kubelet;
    },
    restartKubelet,
    restartContainers,
    distort,
    setClock: (aheadMs) => {
      clockAheadMs = aheadMs;
      kubelet.model = model();
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(sampling);
      await kubelet.close();
    },
  };

  async function restartKubelet(awayMs: number, quietMs: number): Promise<void> {
    await kubelet.close();
    knowsPods = false;
    await sleep(awayMs);
    kubelet = await createFakeKubelet({ certificate, accepts, now, model: model(), port });
    await sleep(quietMs);
    knowsPods = true;
  }

  async function restartContainers(): Promise<void> {
    // cAdvisor reports start times in whole seconds: a rate that is counted from another start would be off by its fraction.
    await sleep(wholeSecond(Date.now()) + 1000 - Date.now());
    containersStartedMs = wholeSecond(Date.now());
    kubelet.model = model();
  }

  function distort(change: Distortion, how: 'one sample' | 'all samples'): () => void {
    if (how === 'one sample') repeated = change(model());
    else distortion = change;
    kubelet.model = model();
    return () => {
      [repeated, distortion] = [undefined, undefined];
      kubelet.model = model();
    };
  }

  function model(): KubeletModel {
    return repeated ?? distortion?.(trueModel()) ?? trueModel();
  }

  function trueModel(): KubeletModel {
    const machine = truth.nodes.find((usage) => usage.name === name);
    if (machine === undefined) throw new Error(`no node ${name} in the truth`);
    return {
      node: name,
      cores: nodeCores,
      memoryBytes: 64 * 1024 ** 3,
      cgroupDriver: 'systemd',
      machine: sample(machine, bootedMs, clockAheadMs),
      pods: truth.pods
        .filter((pod) => knowsPods && pod.node === name)
        .map(({ key, containers }) => {
          const [namespace = '', pod = ''] = key.split('/');
          return {
            namespace,
            name: pod,
            uid: uids.get(key) ?? '',
            qos: 'burstable',
            containers: containers.map((usage) => ({
              name: usage.name,
              image: 'none:1',
              id: hexId(`${key}/${usage.name}/${containersStartedMs}`),
              swapBytes: 0,
              ...sample(usage, containersStartedMs, clockAheadMs),
            })),
          };
        }),
    };
  }
}

function sample({ cores, memoryBytes }: Usage, startTimeMs: number, clockAheadMs: number): SampleModel {
  const nowMs = Date.now();
  const cpuSeconds = (cores * (nowMs - startTimeMs)) / 1000;
  return { timestampMs: nowMs + clockAheadMs, cpuSeconds, memoryBytes, startTimeMs };
}

function wholeSecond(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
