/** Counts and logs pods that a kubelet reports although they are, or may be, another node's. */
import { Counter } from 'prom-client';
import type { Clock } from '../clock.ts';
import { createLineLimit, type Logger } from '../logging.ts';
import type { Registry } from '../monitoring.ts';

export interface ForeignPodWatch {
  /** One scrape of a node reported so many that the API places on other nodes; the pod is one of them, as namespace/name. */
  foreign(node: string, pods: number, pod: string): void;
  /** The same of pods that the API places on no node and other nodes report, too. */
  disputed(node: string, pods: number, pod: string): void;
  /** Takes away the series of a node that left. */
  forget(node: string): void;
}

/** Nodes with a series of their own; what later ones report is counted together, with an empty node. */
export const foreignPodNodeLimit = 250;

export function createForeignPodWatch(registry: Registry, clock: Clock, log: Logger): ForeignPodWatch {
  const counter = new Counter({
    name: 'kubegauge_foreign_pods_total',
    help: `Number of pods in scrapes that the API places on other nodes, or on none while several report them, by the node that reported them; they are not served. Beyond ${foreignPodNodeLimit} nodes the label is empty.`,
    labelNames: ['node'],
    registers: [registry],
  });
  const mayLog = createLineLimit(() => clock.monotonicMs());
  const named = new Set<string>();
  return {
    foreign: (node, pods, pod) => note(node, pods, pod, 'a kubelet reports pods of other nodes; they are not served'),
    disputed: (node, pods, pod) =>
      note(node, pods, pod, 'several kubelets report pods that the API places on no node; they are not served'),
    forget(node) {
      if (named.delete(node)) counter.remove({ node });
    },
  };

  function note(node: string, pods: number, pod: string, message: string): void {
    if (named.size < foreignPodNodeLimit) named.add(node);
    counter.inc({ node: named.has(node) ? node : '' }, pods);
    if (mayLog(`${node} ${message}`)) log.warn({ node, pods, pod }, message);
  }
}
