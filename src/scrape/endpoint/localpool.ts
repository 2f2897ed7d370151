/** Where kubelets are asked: in this thread here, in others by workers/. */
import type { Clock } from '../../clock.ts';
import type { KubeletClient } from '../../kubelet/client.ts';
import type { DecoderOptions } from '../../decode/decoder.ts';
import { createRowNumbersPool } from '../../decode/rownumbers.ts';
import { createKubeletReader, type KubeletReader } from './kubeletreader.ts';

export interface KubeletReaderPool extends AsyncDisposable {
  /** The node's, which remembers nothing yet. A node is asked one thing at a time. */
  of(node: string): KubeletReader;
  /** Closes the connection of a node that left. */
  release(node: string): void;
}

/**
 * From so many nodes on, small answers are asked for compressed, too. A connection keeps as much memory as its largest answers took on the wire: with 5,000 nodes of
 * 30 pods, 190 MiB less for 6 % of a core.
 */
export const manyNodes = 500;

export interface LocalPoolOptions extends Pick<DecoderOptions, 'fastPath'> {
  /** From so many nodes on, all answers are requested compressed. Default: manyNodes. */
  readonly compressFrom?: number;
}

/** Returns readers that work in this thread. */
export function createLocalPool(
  kubelet: KubeletClient,
  clock: Clock,
  { compressFrom = manyNodes, fastPath = true }: LocalPoolOptions = {},
): KubeletReaderPool {
  const nodes = new Set<string>();
  const pool = createRowNumbersPool();
  return {
    of(node) {
      nodes.add(node);
      return createKubeletReader(node, kubelet, clock, () => nodes.size >= compressFrom, { pool, fastPath });
    },
    release(node) {
      nodes.delete(node);
      kubelet.release(node);
    },
    [Symbol.asyncDispose]: () => kubelet[Symbol.asyncDispose](),
  };
}
