/** Indexes the stored nodes and their pods. */
import { createPodIndex, type PodIndex } from './podindex.ts';
import type { StoredNode } from './storednode.ts';

export interface NodeTable {
  readonly nodes: ReadonlyMap<string, StoredNode>;
  readonly index: Pick<PodIndex, 'only' | 'named' | 'remove'>;
  set(node: StoredNode): void;
  delete(name: string): void;
}

export function createNodeTable(): NodeTable {
  const nodes = new Map<string, StoredNode>();
  const index = createPodIndex();
  return { nodes, index, set, delete: remove };

  function set(node: StoredNode): void {
    unindex(node.name);
    nodes.set(node.name, node);
    for (const pod of [...node.pods, ...node.unreported]) index.add(pod);
  }

  function remove(name: string): void {
    unindex(name);
    nodes.delete(name);
  }

  function unindex(name: string): void {
    const node = nodes.get(name);
    if (node !== undefined) for (const pod of [...node.pods, ...node.unreported]) index.remove(pod);
  }
}
