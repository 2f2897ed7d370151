/**
 * Records the CPU that the kernel counts for containers: a busy machine gives a container less than its limit, so only this is what a reading has to be.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../cluster.ts';
import { waitFor } from '../wait.ts';
import { cadvisorRows } from './kubelet.ts';

export interface KernelUsage extends AsyncDisposable {
  /**
   * Returns the mean millicores of all the containers together between two moments, in milliseconds since the epoch. What lies outside of the record counts
   * by its nearest part.
   */
  millicores(fromMs: number, toMs: number): number;
}

interface Counted {
  readonly atMs: number;
  readonly usedMs: number;
}

const everyMs = 250;

/**
 * Records until disposed.
 * @param ids the paths of the containers' cgroups.
 */
export function recordUsage(ids: readonly string[]): KernelUsage {
  const record: Counted[] = [];
  const stop = new AbortController();
  const done = loop();
  return {
    millicores,
    [Symbol.asyncDispose]: () => {
      stop.abort();
      return done;
    },
  };

  async function loop(): Promise<void> {
    while (!stop.signal.aborted) {
      record.push({ atMs: Date.now(), usedMs: ids.reduce((sum, id) => sum + usedMs(id), 0) });
      await sleep(everyMs, undefined, { signal: stop.signal }).catch(() => {});
    }
  }

  function millicores(fromMs: number, toMs: number): number {
    const from = record.findLast(({ atMs }) => atMs <= fromMs) ?? record[0];
    const to = record.find(({ atMs }) => atMs >= toMs) ?? record.at(-1);
    if (from === undefined || to === undefined || to.atMs <= from.atMs) throw new Error('nothing was recorded then');
    return ((to.usedMs - from.usedMs) / (to.atMs - from.atMs)) * 1000;
  }
}

/**
 * Returns the paths of containers' cgroups, once the kubelet reports all of them.
 * @param pod namespace/name.
 */
export function containerCgroups(cluster: Cluster, pod: string, containers: readonly string[]): Promise<string[]> {
  return waitFor(
    `the kubelet to report the cgroups of ${pod}`,
    async () => {
      const rows = await cadvisorRows(cluster, ['container_memory_working_set_bytes']);
      const own = rows.filter((row) => `${row.namespace}/${row.pod}` === pod && containers.includes(row.container));
      return own.length === containers.length && own.map(({ id }) => id);
    },
    180_000,
    1_000,
  );
}

/** Reads version 1 of cgroups or version 2. */
function usedMs(id: string): number {
  try {
    return Number(readFileSync(`/sys/fs/cgroup/cpuacct${id}/cpuacct.usage`, 'utf8')) / 1e6;
  } catch {
    const [, microseconds] = /^usage_usec (\d+)$/m.exec(readFileSync(`/sys/fs/cgroup${id}/cpu.stat`, 'utf8')) ?? [];
    return Number(microseconds) / 1000;
  }
}
