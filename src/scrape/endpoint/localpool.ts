/** Reads kubelets in this thread. */
import type { Clock } from '../../clock.ts';
import { createRowNumbersPool } from '../../decode/rownumbers.ts';
import type { KubeletClient } from '../../kubelet/client.ts';
import { createKubeletReader } from './kubeletreader.ts';
import type { KubeletReaderPool } from './readerpool.ts';

export interface LocalPoolOptions {
  /**
   * Nodes from which small bodies are gzipped too. A connection keeps as much memory as its largest response on the
   * wire: with 5,000 nodes of 30 pods, gzip saves 190 MiB for 6 % of a core.
   */
  readonly compressFrom?: number;
  /** False: slow path only, to rule out a bug in the fast path. Default: true. */
  readonly fastPath?: boolean;
}

export function createLocalPool(
  kubelet: KubeletClient,
  clock: Clock,
  options: LocalPoolOptions = {},
): KubeletReaderPool {
  const { compressFrom = 500, fastPath = true } = options;
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
