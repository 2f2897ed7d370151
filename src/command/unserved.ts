/** Counts and logs what kubelets report and the server does not serve. */
import { Counter } from 'prom-client';
import type { Clock } from '../clock.ts';
import { createLineLimit, type Logger } from '../logging.ts';
import type { CodedText } from '../messagecodes.ts';
import type { Registry } from '../monitoring.ts';
import type { OnImplausible } from '../storage/scrapeupdate.ts';

/** With a series of their own; further ones are counted together, with an empty label. */
export const seriesNodeLimit = 250;

interface UnservedCounter {
  /** Logs the message at most once a minute for each node. */
  add(node: string, count: number, message: CodedText, fields: object): void;
  forget(node: string): void;
}

interface Outputs {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
}

interface CounterOptions {
  readonly name: string;
  readonly help: string;
  readonly byNode: boolean;
}

function createUnservedCounter({ registry, clock, log }: Outputs, options: CounterOptions): UnservedCounter {
  const { name, help, byNode } = options;
  const counter = new Counter({ name, help, labelNames: byNode ? ['node'] : [], registers: [registry] });
  const mayLog = createLineLimit(() => clock.monotonicMs());
  const named = new Set<string>();
  return { add, forget };

  function add(node: string, count: number, { code, text }: CodedText, fields: object): void {
    if (byNode && named.size < seriesNodeLimit) named.add(node);
    counter.inc(byNode ? { node: named.has(node) ? node : '' } : {}, count);
    if (mayLog(`${node} ${text}`)) log.warn({ code, node, ...fields }, text);
  }

  function forget(node: string): void {
    if (named.delete(node)) counter.remove({ node });
  }
}

export interface ForeignPodWatch {
  /** Counts pods that the API places on other nodes. @param pod one of them, as namespace/name. */
  foreign(node: string, pods: number, pod: string): void;
  /** Counts pods that the API places on no node and that other nodes report, too. */
  disputed(node: string, pods: number, pod: string): void;
  forget(node: string): void;
}

export function createForeignPodWatch(outputs: Outputs): ForeignPodWatch {
  const { add, forget } = createUnservedCounter(outputs, {
    name: 'kubegauge_foreign_pods_total',
    help: `Number of pods in scrapes that the API places on other nodes, or on none while several report them, by the node that reported them; they are not served. Beyond ${seriesNodeLimit} nodes the label is empty.`,
    byNode: true,
  });
  return {
    foreign: (node, pods, pod) => add(node, pods, foreignMessage, { pods, pod }),
    disputed: (node, pods, pod) => add(node, pods, disputedMessage, { pods, pod }),
    forget,
  };
}

const foreignMessage: CodedText = {
  code: 'ForeignPods',
  text: 'a kubelet reports pods of other nodes; they are not served',
};
const disputedMessage: CodedText = {
  code: 'DisputedPods',
  text: 'several kubelets report pods that the API places on no node; they are not served',
};

/** Reports samples with more CPU or memory than their node has. */
export function createImplausibleWatch(outputs: Outputs): OnImplausible {
  const { add } = createUnservedCounter(outputs, {
    name: 'kubegauge_implausible_samples_total',
    help: 'Number of samples with more CPU or memory than their node has; they are not served.',
    byNode: false,
  });
  const text = 'a sample exceeds the capacity of its node; it is not served';
  return (node, what, quantity) => add(node, 1, { code: 'ImplausibleSample', text }, { what, quantity });
}
