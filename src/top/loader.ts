/** Reads what one screen shows, and no more. */
import type { ClusterView, PodView } from '../view/types.ts';
import { columnsOf } from './columns.ts';
import { autoscalerRows, containerRows, nodeRows, podRows, type Row } from './rows.ts';
import { namespaceOf, type TopState } from './state.ts';

export type LoadQuery = Pick<
  TopState,
  'screen' | 'namespace' | 'node' | 'isWholeNode' | 'labelSelector' | 'workload' | 'pod' | 'sorts' | 'isReversed'
>;

export interface Loaded {
  readonly rows: readonly Row[];
  /** Says that there are more rows than were read; undefined if these are all. */
  readonly note: string | undefined;
}

const podsPerPage = 250;
/** Pods that are read of a larger list. Whole ones take 10 kB each. */
const mostPods = 1_000;
/** Pods with the most usage, of a larger list. */
const mostBusiest = 100;

/** Called with each page while a long list is read. Returns false if the rest is not wanted any more. */
export type OnPage = (loaded: Loaded) => boolean;

export async function loadRows(view: ClusterView, query: LoadQuery, onPage: OnPage = () => true): Promise<Loaded> {
  switch (query.screen) {
    case 'nodes':
      return whole(nodeRows(await view.nodes()));
    case 'hpas':
      return whole(autoscalerRows(await view.autoscalers(query.namespace)));
    case 'pods':
      return loadPods(view, query, podRows, onPage);
    case 'containers': {
      if (query.pod === undefined) return loadPods(view, query, containerRows, onPage);
      const pod = await view.pod(query.pod.namespace, query.pod.name);
      return pod === undefined ? { rows: [], note: 'the pod has been deleted' } : whole(containerRows([pod]));
    }
  }
}

function whole(rows: readonly Row[]): Loaded {
  return { rows, note: undefined };
}

async function loadPods(view: ClusterView, query: LoadQuery, toRows: typeof podRows, onPage: OnPage): Promise<Loaded> {
  const namespace = namespaceOf(query);
  const scope = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(query.labelSelector === undefined ? {} : { labelSelector: query.labelSelector }),
  };
  const toWanted = (pods: readonly PodView[]) => toRows(pods.filter(isOf(query.workload)));
  const rows: Row[] = [];
  /** Rows that were read, also of other workloads. */
  let count = 0;
  let token: string | undefined;
  do {
    const page = await view.pods({
      ...scope,
      ...(query.node === undefined ? {} : { node: query.node }),
      limit: podsPerPage,
      ...(token === undefined ? {} : { continue: token }),
    });
    rows.push(...toWanted(page.items));
    count += toRows(page.items).length;
    token = page.continue;
    if (token === undefined) return whole(rows);
    const soFar = { rows: [...rows], note: `${count} read so far` };
    if (!onPage(soFar)) return soFar;
  } while (count < mostPods);
  const resource = busiestBy(query);
  const note = `the first ${count}; choose a namespace or labels for others`;
  if (resource === undefined || query.node !== undefined) return { rows, note };
  const busiest = toWanted(await view.busiestPods({ ...scope, resource, limit: mostBusiest }));
  const known = new Set(rows.map(({ key }) => key));
  return {
    rows: [...rows, ...busiest.filter(({ key }) => !known.has(key))],
    note: `the ${mostBusiest} with the most ${resource}, and ${note}`,
  };
}

function isOf(wanted: PodView['workload']): (pod: PodView) => boolean {
  return ({ workload }) => wanted === undefined || (workload?.kind === wanted.kind && workload.name === wanted.name);
}

/** Returns the usage that the largest are wanted of. */
function busiestBy({ screen, sorts, isReversed }: LoadQuery): 'cpu' | 'memory' | undefined {
  const title = columnsOf[screen][sorts[screen]]?.title;
  if (isReversed) return undefined;
  return title === 'CPU' ? 'cpu' : title === 'MEMORY' ? 'memory' : undefined;
}
