/** Where kubelets are asked: in this thread here, in others by workers/. */
import type { Clock } from '../clock.ts';
import type { KubeletClient } from '../kubelet/client.ts';
import { type Compress, createEndpoint, type Endpoint } from './endpoint.ts';

export interface Endpoints extends AsyncDisposable {
  /** The node's, which remembers nothing yet. A node is asked one thing at a time. */
  of(node: string): Endpoint;
  /** Closes the connection of a node that left. */
  release(node: string): void;
}

/** In this thread. @param compress see createEndpoint. */
export function createLocalEndpoints(kubelet: KubeletClient, clock: Clock, compress: Compress = 'large'): Endpoints {
  return {
    of: (node) => createEndpoint(node, kubelet, clock, compress),
    release: (node) => kubelet.release(node),
    [Symbol.asyncDispose]: () => kubelet[Symbol.asyncDispose](),
  };
}
