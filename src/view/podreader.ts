/** Reads pods: pages of Pod objects, with usages of the same range, and reasons where there is none. */
import { field, items, text } from '../client/json.ts';
import { mapLimited } from '../client/limited.ts';
import { neverAborted } from '../abort.ts';
import type { NodeReader } from './nodereader.ts';
import { type PartRead, part } from './part.ts';
import { objectPath, podList, podMetrics } from './paths.ts';
import { keyOf, type PodObject, parsePodObject, withoutUsage, withUsage } from './podviews.ts';
import { podReasons } from './reasons.ts';
import type { Reads } from './reads.ts';
import type { SourceReader } from './sources.ts';
import type { ClusterView, PodView } from './types.ts';
import { parseUsage, type PodUsages, type MetricsReader } from './usages.ts';

const podsPerPage = 250;
const mostPodsPerPage = 500;
/** Requests at a time. */
const concurrency = 4;

export type PodReader = Pick<ClusterView, 'pods' | 'busiestPods' | 'pod'>;

export interface PodViewOptions {
  readonly nodes: NodeReader;
  readonly sources: SourceReader;
}

export function createPodReader(reads: Reads, usages: MetricsReader, { nodes, sources }: PodViewOptions): PodReader {
  return {
    async pods({ namespace, node, labelSelector, limit = podsPerPage, continue: token }) {
      const { path, what } = podList(namespace);
      const page = await reads.get(what, path, {
        limit: String(Math.min(limit, mostPodsPerPage)),
        ...(labelSelector === undefined ? {} : { labelSelector }),
        ...(node === undefined ? {} : { fieldSelector: `spec.nodeName=${node}` }),
        ...(token === undefined ? {} : { continue: token }),
      });
      const known = items(field(page, 'items')).flatMap((object) => parsePodObject(object) ?? []);
      const measured = await part(
        node === undefined
          ? usages.pods(namesOf(known), namespace, labelSelector)
          : usagesByNamespace(known, labelSelector),
      );
      const next = text(field(field(page, 'metadata'), 'continue'));
      return { items: await toViews(known, measured), ...(next ? { continue: next } : {}) };
    },
    async busiestPods({ namespace, labelSelector, resource, limit }) {
      const all = await usages.allPods(namespace, labelSelector);
      const busiest = [...all.values()].toSorted((a, b) => (b[resource] ?? 0) - (a[resource] ?? 0)).slice(0, limit);
      const found = await mapLimited(busiest, concurrency, neverAborted, ({ namespace: of, name }) =>
        reads.find(`get pods in namespace ${of}`, objectPath(podList(of), name)),
      );
      // A pod that has been deleted since may still have a usage.
      const known = found.flatMap((object) => parsePodObject(object) ?? []);
      return toViews(known, { value: all, problem: undefined });
    },
    async pod(namespace, name) {
      const [object, usage] = await Promise.all([
        reads.find(`get pods in namespace ${namespace}`, objectPath(podList(namespace), name)),
        part(reads.find(`get pods.metrics.k8s.io in namespace ${namespace}`, objectPath(podMetrics(namespace), name))),
      ]);
      const known = parsePodObject(object);
      if (known === undefined) return undefined;
      const measured = usage.value === undefined ? [] : [[keyOf(known), parseUsage(usage.value)] as const];
      const [view] = await toViews([known], { value: new Map(measured), problem: usage.problem });
      return view;
    },
  };

  /** Pods of one node are spread over the order of names, but not over many namespaces. */
  async function usagesByNamespace(known: readonly PodObject[], labelSelector?: string): Promise<PodUsages> {
    const groups = [...Map.groupBy(known, ({ view }) => view.namespace)];
    const found = await mapLimited(groups, concurrency, neverAborted, ([namespace, group]) =>
      usages.pods(namesOf(group), namespace, labelSelector),
    );
    return new Map(found.flatMap((each) => [...(each ?? [])]));
  }

  async function toViews(
    known: readonly PodObject[],
    { value, problem }: PartRead<PodUsages>,
  ): Promise<readonly PodView[]> {
    const without = problem === undefined ? known.filter((pod) => value?.has(keyOf(pod)) !== true) : [];
    const named = new Set(without.flatMap(({ facts: { node } }) => node ?? []));
    const explaining =
      without.length === 0 ? undefined : nodes.parts(named).then((of) => podReasons(reads, without, of));
    const [reasons] = await Promise.all([explaining, sources.refresh()]);
    return known.map((pod) => {
      const usage = value?.get(keyOf(pod));
      return usage === undefined
        ? withoutUsage(pod, problem ?? reasons?.get(keyOf(pod)))
        : withUsage(pod, usage, { source: sources.of(pod.view.node), nowMs: reads.nowMs() });
    });
  }
}

function namesOf(pods: readonly PodObject[]): readonly PodView[] {
  return pods.map(({ view }) => view);
}
