/** Spreads nodes over this thread, or over as many workers as the cluster needs. */
import type { KubeletReader } from '../kubeletreader.ts';
import type { KubeletReaderPool } from '../readerpool.ts';
import type { ReadResult } from '../readresult.ts';
import { nameHash } from '../../../namehash.ts';
import type { FleetSize } from './workercount.ts';

export interface ShardedPoolOptions {
  readonly local: KubeletReaderPool;
  readonly startWorker: () => KubeletReaderPool;
  /** Workers are only added, never removed. */
  readonly workerCount: (fleet: FleetSize) => number;
  readonly onGrown: (workers: number) => void;
}

export function createShardedPool({ local, startWorker, workerCount, onGrown }: ShardedPoolOptions): KubeletReaderPool {
  const workers: KubeletReaderPool[] = [];
  const nodes = new Map<string, ShardedNode>();
  let full = 0;
  return { of, release, [Symbol.asyncDispose]: dispose };

  function of(name: string): KubeletReader {
    release(name);
    const node: ShardedNode = { shard: undefined, isFull: false };
    nodes.set(name, node);
    addWorkers();
    return {
      cadvisor: (at, signal, wanted) =>
        readerOf(name, node)
          .cadvisor(at, signal, wanted)
          .then((result) => note(name, node, result)),
      resource: (at, signal, path) => readerOf(name, node).resource(at, signal, path),
    };
  }

  /** A node that moves loses its state there, which costs one connection and one slow decode. */
  function readerOf(name: string, node: ShardedNode): KubeletReader {
    const pool = workers.length === 0 ? local : workerOf(name);
    if (node.shard?.pool !== pool) {
      node.shard?.pool.release(name);
      node.shard = { pool, reader: pool.of(name) };
    }
    return node.shard.reader;
  }

  function workerOf(name: string): KubeletReaderPool {
    return workers[nameHash(name) % workers.length] ?? local;
  }

  function note(name: string, node: ShardedNode, result: ReadResult): ReadResult {
    if (result.kind === 'batch' && node.isFull === result.filtered && nodes.get(name) === node) {
      node.isFull = !result.filtered;
      full += node.isFull ? 1 : -1;
      addWorkers();
    }
    return result;
  }

  function addWorkers(): void {
    const previous = workers.length;
    const wanted = workerCount({ nodes: nodes.size, full });
    while (workers.length < wanted) workers.push(startWorker());
    if (workers.length > previous) onGrown(workers.length);
  }

  function release(name: string): void {
    const node = nodes.get(name);
    if (node?.isFull === true) full -= 1;
    nodes.delete(name);
    node?.shard?.pool.release(name);
  }

  async function dispose(): Promise<void> {
    await Promise.all([local, ...workers].map((each) => each[Symbol.asyncDispose]()));
  }
}

interface ShardedNode {
  shard: { readonly pool: KubeletReaderPool; readonly reader: KubeletReader } | undefined;
  isFull: boolean;
}
