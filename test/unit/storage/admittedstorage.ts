/** A storage behind its admission, as the program has it, with an API whose pods tests change. */
import { type Layout, toBatch } from '../../../src/sample/batch.ts';
import type { ContainerPoint, NodePoints, PodBatch } from '../../../src/sample/point.ts';
import { createAdmission } from '../../../src/storage/admission.ts';
import type { KnownPod } from '../../../src/storage/placement.ts';
import type { PodIdentity } from '../../../src/storage/podindex.ts';
import { defaultStalenessMs } from '../../../src/storage/lastusage.ts';
import { type Instant, readSnapshot, writeSnapshot } from '../../../src/storage/snapshot.ts';
import { createStorage } from '../../../src/storage/storage.ts';
import { createFakeClock } from '../../fakes/clock.ts';

export const resolutionMs = 15_000;
export const stalenessMs = defaultStalenessMs(resolutionMs);

/** When the pods of `knownAs` were created, in seconds since the epoch. */
export const createdSeconds = 1_795_000_000;

export interface PodOptions {
  readonly name?: string;
  readonly uid?: string | undefined;
  readonly cores?: number;
  readonly id?: string;
  readonly startTimeMs?: number;
}

/** A pod whose container has used so many cores since it was made, sampled so many seconds after `createdSeconds`. */
export function reported(atSeconds: number, options: PodOptions = {}): PodBatch {
  const { name = 'web-0', cores = 0.25, id = 'start:1', startTimeMs } = options;
  const app: ContainerPoint = {
    name: 'app',
    containerId: id,
    startTimeMs,
    timestampMs: (createdSeconds + atSeconds) * 1000,
    cpuSeconds: cores * atSeconds,
    memoryBytes: 5_000,
  };
  return { namespace: 'shop', name, uid: 'uid' in options ? options.uid : 'uid-1', containers: [app] };
}

export function knownAs(options: Partial<KnownPod> = {}): KnownPod {
  return { uid: 'uid-1', configHash: undefined, node: 'node-a', createdSeconds, ...options };
}

export function createAdmittedStorage({ fastPath = true } = {}) {
  const clock = createFakeClock();
  const storage = createStorage({ clock, resolutionMs, stalenessMs, fastPath });
  const api = new Map<string, KnownPod>();
  const [setPod, deletePod] = [api.set.bind(api), api.delete.bind(api)];
  // As the informer does.
  const change = (...nodes: readonly (string | undefined)[]) => {
    for (const node of nodes) if (node !== undefined) admission.changed(node);
  };
  api.set = (key, known) => {
    change(api.get(key)?.node, known.node);
    return setPod(key, known);
  };
  api.delete = (key) => {
    change(api.get(key)?.node);
    return deletePod(key);
  };
  const foreign: string[] = [];
  const conflicts: string[] = [];
  const admission = createAdmission({
    knownPod: (namespace, name) => api.get(`${namespace}/${name}`),
    bindings: storage,
    fastPath,
    onForeign: (node, pods, { namespace, name }) => foreign.push(`${node} ${pods} ${namespace}/${name}`),
    onConflict: (node, pods, { namespace, name }) => conflicts.push(`${node} ${pods} ${namespace}/${name}`),
  });
  const layouts = new Map<string, Layout>();
  return { clock, storage, admission, api, foreign, conflicts, admit, scrape, cores, usage, snapshot, restore };

  function admit(node: string, pods: readonly PodBatch[], { source = 'cadvisor', aheadMs = 0 }: ScrapeOptions = {}) {
    const machine = { timestampMs: clock.wallMs(), cpuSeconds: 1, memoryBytes: 1 };
    const points: NodePoints = { node, source, machine, hasSwap: undefined, pods: pods.map(byNodeClock(aheadMs)) };
    const batch = toBatch(points, layouts.get(`${node} ${source}`));
    layouts.set(`${node} ${source}`, batch.layout);
    return admission.admit(batch, aheadMs);
  }

  function scrape(node: string, pods: readonly PodBatch[], options?: ScrapeOptions): void {
    storage.store(admit(node, pods, options));
  }

  function usage(name = 'web-0', identity: Partial<PodIdentity> = {}) {
    const known = api.get(`shop/${name}`) ?? knownAs();
    return storage.podUsage({ namespace: 'shop', name, ...known, ...identity });
  }

  /** Returns the cores of the pod's container, or why there are none. */
  function cores(name = 'web-0'): number | string {
    const answer = usage(name);
    return answer.kind === 'ready' ? answer.value.containers[0]!.cpuNanocores / 1e9 : answer.reason;
  }

  function snapshot(): string {
    return [...writeSnapshot(storage.states(), now())].join('');
  }

  function restore(text: string): void {
    storage.restore(readSnapshot(text, now(), stalenessMs).nodes);
  }

  function now(): Instant {
    return { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
  }
}

/** Shifts the times of samples; start times are by the clock that the node had then. */
function byNodeClock(aheadMs: number): (pod: PodBatch) => PodBatch {
  return (pod) => ({
    ...pod,
    containers: pod.containers.map((each) => ({ ...each, timestampMs: each.timestampMs + aheadMs })),
  });
}

interface ScrapeOptions {
  readonly source?: 'cadvisor' | 'resource';
  /** How far the node's clock is ahead of ours. */
  readonly aheadMs?: number;
}
