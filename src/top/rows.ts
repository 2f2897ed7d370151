/** What each screen has rows of. */
import { stoppedContainer, stopReasonOf } from '../view/podviews.ts';
import type { AutoscalerView, ContainerView, NodeView, PodView } from '../view/types.ts';

export type ScreenName = 'nodes' | 'pods' | 'containers' | 'hpas';

export const screenNames: readonly ScreenName[] = ['nodes', 'pods', 'containers', 'hpas'];

/** One row: its key is the same from refresh to refresh. */
export type Row =
  | { readonly kind: 'nodes'; readonly key: string; readonly node: NodeView }
  | { readonly kind: 'pods'; readonly key: string; readonly pod: PodView }
  | { readonly kind: 'containers'; readonly key: string; readonly pod: PodView; readonly container: ContainerView }
  | { readonly kind: 'hpas'; readonly key: string; readonly autoscaler: AutoscalerView };

export function nodeRows(nodes: readonly NodeView[]): readonly Row[] {
  return nodes.map((node) => ({ kind: 'nodes', key: node.name, node }));
}

export function podRows(pods: readonly PodView[]): readonly Row[] {
  return pods.map((pod) => ({ kind: 'pods', key: `${pod.namespace}/${pod.name}`, pod }));
}

export function containerRows(pods: readonly PodView[]): readonly Row[] {
  return pods.flatMap((pod) =>
    pod.containers
      // An init container that has ended is over.
      .filter(({ kind, state }) => kind === 'container' || state === 'running' || state === 'waiting')
      .map(
        (container): Row => ({
          kind: 'containers',
          key: `${pod.namespace}/${pod.name}/${container.name}`,
          pod,
          container,
        }),
      ),
  );
}

export function autoscalerRows(autoscalers: readonly AutoscalerView[]): readonly Row[] {
  return autoscalers.map((autoscaler) => ({
    kind: 'hpas',
    key: `${autoscaler.namespace}/${autoscaler.name}`,
    autoscaler,
  }));
}

/** Returns the object for JSON. */
export function objectOfRow(row: Row): object {
  if (row.kind === 'nodes') return row.node;
  if (row.kind === 'pods') return row.pod;
  if (row.kind === 'hpas') return row.autoscaler;
  const { namespace, name, node, timestampMs, windowSeconds, source } = row.pod;
  const measured = hasUsage(row.container) ? { timestampMs, windowSeconds, source } : {};
  return { namespace, pod: name, node, ...measured, ...row.container };
}

/** Returns why the row has no number, or does not do what it should. */
export function reasonOf(row: Row): string | undefined {
  if (row.kind === 'nodes') return row.node.reason;
  if (row.kind === 'pods') return row.pod.reason ?? stopReasonOf(stoppedContainer(row.pod));
  if (row.kind === 'hpas') return row.autoscaler.reason;
  // The pod's reason may be that of another container.
  return row.container.reason ?? (hasUsage(row.container) ? undefined : row.pod.reason);
}

/** Reports whether there is a number. */
export function hasUsage({ cpu, memory }: Pick<ContainerView, 'cpu' | 'memory'>): boolean {
  return cpu.used !== undefined || memory.used !== undefined;
}
