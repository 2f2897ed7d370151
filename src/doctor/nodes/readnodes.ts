/** Reads the nodes of the API, and their usages. */
import { field, items, text } from '../../client/json.ts';
import type { CheckContext } from '../check.ts';
import { parseTimeMs } from '../times.ts';
import { type NodeFacts, parseNodeFacts } from './nodefacts.ts';

/** A Node with all its images may be 50 kB. */
const nodesPerPage = 100;

/** Returns all nodes. @throws UncheckedError. */
export async function readNodes({ api }: Pick<CheckContext, 'api'>): Promise<readonly NodeFacts[]> {
  const list = await api.list('/api/v1/nodes', { query: { limit: String(nodesPerPage) } });
  return (list ?? []).flatMap((object) => parseNodeFacts(object) ?? []);
}

/** Returns all nodes as of now: `readNodes` returns those of the run's first read. @throws UncheckedError. */
export async function readNodesAgain({ api }: Pick<CheckContext, 'api'>): Promise<readonly NodeFacts[]> {
  const nodes: NodeFacts[] = [];
  for await (const page of api.pages('/api/v1/nodes', nodesPerPage))
    nodes.push(...items(field(page, 'items')).flatMap((object) => parseNodeFacts(object) ?? []));
  return nodes;
}

/** By node. */
export type NodeUsages = ReadonlyMap<string, { readonly atMs: number; readonly isZero: boolean }>;

/** Returns the usages of nodes; undefined if the API is not registered. @throws UncheckedError. */
export async function readNodeUsages({ api }: Pick<CheckContext, 'api'>): Promise<NodeUsages | undefined> {
  const list = await api.get('/apis/metrics.k8s.io/v1beta1/nodes');
  if (list === undefined) return undefined;
  return new Map(
    items(field(list, 'items')).map((item) => {
      const usage = field(item, 'usage');
      const isZero = ['cpu', 'memory'].some((resource) => /^0\D*$/.test(text(field(usage, resource)) ?? ''));
      return [
        text(field(field(item, 'metadata'), 'name')) ?? '',
        { atMs: parseTimeMs(field(item, 'timestamp')) ?? 0, isZero },
      ];
    }),
  );
}
