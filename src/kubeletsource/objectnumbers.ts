/** Finds the number of one object: of a pod, of a namespace as the sum over its pods, of a node. */
import type { PodInfo, PodLister } from '../cluster/pods.ts';
import type { KubeletMetric } from './catalogue.ts';
import { type MetricNumber, sumOf } from './metricvalue.ts';
import { isFirstAwaited, isOfNetwork, type NoValue } from './nonumber.ts';
import type { NumberOrReason, SeriesStore } from './seriesstore.ts';

/** Resources with metrics, by plural; all are of the core group. */
export type DescribedKind = 'pods' | 'namespaces' | 'nodes';

/** Returns the resources whose objects have the metric. */
export function describedBy({ perNamespace, perNode }: KubeletMetric): readonly DescribedKind[] {
  return ['pods', ...(perNamespace ? (['namespaces'] as const) : []), ...(perNode ? (['nodes'] as const) : [])];
}

export interface ObjectNumbers {
  /** @param namespace of pods; otherwise empty. */
  of(metric: KubeletMetric, kind: DescribedKind, namespace: string, name: string): MetricNumber | NoValue;
  /** Returns the nodes that report the objects, up to a limit. */
  nodesOf(kind: DescribedKind, namespace: string, names: readonly string[], limit: number): ReadonlySet<string>;
}

/** @param isNew reports whether a metric may lack its first samples, since it is newly wanted. */
export function createObjectNumbers(
  store: SeriesStore,
  pods: Pick<PodLister, 'get' | 'list'>,
  isNew: (metric: KubeletMetric) => boolean,
): ObjectNumbers {
  return { of, nodesOf };

  function of(metric: KubeletMetric, kind: DescribedKind, namespace: string, name: string): MetricNumber | NoValue {
    switch (kind) {
      case 'pods':
        return ofPod(metric, pods.get(namespace, name));
      case 'namespaces':
        return ofNamespace(metric, name);
      case 'nodes':
        return withNode(store.ofNode(metric, name), name);
    }
  }

  function ofPod(metric: KubeletMetric, pod: PodInfo | undefined): MetricNumber | NoValue {
    if (pod === undefined) return { reason: 'unknown pod' };
    // The traffic of the whole node must not become one pod's.
    if (pod.hostNetwork && isOfNetwork(metric)) return { reason: 'host network' };
    return withNode(store.ofPod(metric, pod), pod.node);
  }

  /**
   * Nodes are scraped one after the other, so the first sums would be of a few pods only. Later a pod without a value
   * counts as nothing: it starts, or its node is down and others have its load, and autoscalers must go on.
   */
  function ofNamespace(metric: KubeletMetric, namespace: string): MetricNumber | NoValue {
    let sum: MetricNumber | undefined;
    let missing: NoValue | undefined;
    const awaitsFirst = isNew(metric);
    for (const pod of pods.list(namespace)) {
      const number = ofPod(metric, pod);
      if ('reason' in number) {
        if (awaitsFirst && isFirstAwaited(number.reason)) return number;
        missing ??= number;
      } else sum = sum === undefined ? number : sumOf(sum, number);
    }
    return sum ?? missing ?? { reason: 'no pods' };
  }

  function nodesOf(
    kind: DescribedKind,
    namespace: string,
    names: readonly string[],
    limit: number,
  ): ReadonlySet<string> {
    const nodes = new Set<string>();
    for (const name of names) {
      const found = kind === 'nodes' ? [name] : podsOf(kind, namespace, name).map(({ node }) => node);
      for (const node of found) {
        if (nodes.size >= limit) return nodes;
        if (node !== undefined) nodes.add(node);
      }
    }
    return nodes;
  }

  function podsOf(kind: DescribedKind, namespace: string, name: string): readonly PodInfo[] {
    const pod = kind === 'pods' ? pods.get(namespace, name) : undefined;
    if (kind === 'pods') return pod === undefined ? [] : [pod];
    return pods.list(name);
  }
}

function withNode(number: NumberOrReason, node: string | undefined): MetricNumber | NoValue {
  return typeof number === 'object' ? number : { reason: number, node };
}
