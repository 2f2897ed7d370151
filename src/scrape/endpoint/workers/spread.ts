/** Spreads nodes over this thread and workers, as many of them as the fleet needs by now. */
import type { Endpoint, Told } from '../endpoint.ts';
import type { Endpoints } from '../endpoints.ts';
import type { Fleet } from './count.ts';
import { nameHash } from '../../../namehash.ts';

export interface SpreadOptions {
  /** In this thread; nobody is asked by it once there are workers. */
  readonly local: Endpoints;
  readonly startWorker: () => Endpoints;
  /** How many there should be; there are never fewer than before. */
  readonly workersFor: (fleet: Fleet) => number;
  /** Called when there are more than before. */
  readonly onGrown: (workers: number) => void;
}

export function createSpreadEndpoints({ local, startWorker, workersFor, onGrown }: SpreadOptions): Endpoints {
  const workers: Endpoints[] = [];
  const held = new Map<string, HeldNode>();
  let full = 0;
  return { of, release, [Symbol.asyncDispose]: dispose };

  function of(node: string): Endpoint {
    release(node);
    const own: HeldNode = { place: undefined, isFull: false };
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
  function askedAt(node: string, own: HeldNode): Endpoint {
    const endpoints = workers.length === 0 ? local : workerOf(node);
    if (own.place?.endpoints !== endpoints) {
      own.place?.endpoints.release(node);
      own.place = { endpoints, endpoint: endpoints.of(node) };
    }
    return own.place.endpoint;
  }

  function workerOf(node: string): Endpoints {
    return workers[nameHash(node) % workers.length] ?? local;
  }

  function note(node: string, own: HeldNode, told: Told): Told {
    if (told.kind === 'batch' && own.isFull === told.filtered && held.get(node) === own) {
      own.isFull = !told.filtered;
      full += own.isFull ? 1 : -1;
      grow();
    }
    return told;
  }

  function grow(): void {
    const before = workers.length;
    const wanted = workersFor({ nodes: held.size, full });
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

interface HeldNode {
  place: { readonly endpoints: Endpoints; readonly endpoint: Endpoint } | undefined;
  /** Whether its kubelet sends more than it was asked for. */
  isFull: boolean;
}
