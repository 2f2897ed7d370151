/** The readers of all nodes: in this thread (localpool.ts), or in worker threads (workers/). */
import type { KubeletReader } from './kubeletreader.ts';

export interface KubeletReaderPool extends AsyncDisposable {
  /** Replaces the node's previous reader. */
  of(node: string): KubeletReader;
  release(node: string): void;
}
