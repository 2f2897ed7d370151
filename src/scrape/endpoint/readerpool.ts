/** The readers of all nodes, wherever they run: in this thread (localpool.ts), or in worker threads (workers/). */
import type { KubeletReader } from './kubeletreader.ts';

export interface KubeletReaderPool extends AsyncDisposable {
  /** Creates a node's reader, in place of its previous one. */
  of(node: string): KubeletReader;
  /** Closes the connection of a node that has left. */
  release(node: string): void;
}
