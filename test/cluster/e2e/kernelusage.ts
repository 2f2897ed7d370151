/**
 * Records the CPU that the kernel counts for containers: a busy machine gives a container less than its limit, so only this is what a reading has to be.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

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

/** Reads version 1 of cgroups or version 2. */
function usedMs(id: string): number {
  try {
    return Number(readFileSync(`/sys/fs/cgroup/cpuacct${id}/cpuacct.usage`, 'utf8')) / 1e6;
  } catch {
    const [, microseconds] = /^usage_usec (\d+)$/m.exec(readFileSync(`/sys/fs/cgroup${id}/cpu.stat`, 'utf8')) ?? [];
    return Number(microseconds) / 1000;
  }
}
