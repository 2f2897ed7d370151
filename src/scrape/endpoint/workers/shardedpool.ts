/** Spreads nodes over this thread and workers, as many of them as the fleet needs by now. */
import type { KubeletReader, ReadResult } from '../kubeletreader.ts';
import type { KubeletReaderPool } from '../localpool.ts';
import type { FleetSize } from './workercount.ts';
import { nameHash } from '../../../namehash.ts';

export interface ShardedPoolOptions {
  /** In this thread; nobody is asked by it once there are workers. */
  readonly local: KubeletReaderPool;
  readonly startWorker: () => KubeletReaderPool;
  /** How many there should be; there are never fewer than before. */
  readonly workerCount: (fleet: FleetSize) => number;
  /** Called when there are more than before. */
  readonly onGrown: (workers: number) => void;
}

export function createShardedPool({ local, startWorker, workerCount, onGrown }: ShardedPoolOptions): KubeletReaderPool {
  const workers: KubeletReaderPool[] = [];
  const held = new Map<string, ShardedNode>();
  let full = 0;
  return { of, release, [Symbol.asyncDispose]: dispose };

  function of(node: string): KubeletReader {
    release(node);
    const own: ShardedNode = { place: undefined, isFull: false };
    held.set(node, own);
    grow();
    return {
      cadvisor: (at, signal) =>
        askedAt(node, own)
          .cadvisor(at, signal)
          .then((told) => note(node, own, told)),
      resource: (at, signal, path) => askedAt(node, own).resource(at, signal, path),
    };
  }

  /** A node that moves is remembered nothing of where it comes to, which costs it one connection and one slow decode. */
  function askedAt(node: string, own: ShardedNode): KubeletReader {
    const endpoints = workers.length === 0 ? local : workerOf(node);
    if (own.place?.endpoints !== endpoints) {
      own.place?.endpoints.release(node);
      own.place = { endpoints, endpoint: endpoints.of(node) };
    }
    return own.place.endpoint;
  }

  function workerOf(node: string): KubeletReaderPool {
    return workers[nameHash(node) % workers.length] ?? local;
  }

  function note(node: string, own: ShardedNode, told: ReadResult): ReadResult {
    if (told.kind === 'batch' && own.isFull === told.filtered && held.get(node) === own) {
      own.isFull = !told.filtered;
      full += own.isFull ? 1 : -1;
      grow();
    }
    return told;
  }

  function grow(): void {
    const before = workers.length;
    const wanted = workerCount({ nodes: held.size, full });
    while (workers.length < wanted) workers.push(startWorker());
    if (workers.length > before) onGrown(workers.length);
  }

  function release(node: string): void {
    const own = held.get(node);
    if (own?.isFull === true) full -= 1;
    held.delete(node);
    own?.place?.endpoints.release(node);
  }

  async function dispose(): Promise<void> {
    await Promise.all([local, ...workers].map((each) => each[Symbol.asyncDispose]()));
  }
}

interface ShardedNode {
  place: { readonly endpoints: KubeletReaderPool; readonly endpoint: KubeletReader } | undefined;
  /** Whether its kubelet sends more than it was asked for. */
  isFull: boolean;
}
