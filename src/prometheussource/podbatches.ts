/** Which pods one query asks for. */
import type { AskedPod, UsageQuestion } from '../metricsource/usage.ts';

/** An answer has 20,000 samples at most: ten containers for each pod. */
export const podsPerQuery = 2_000;
/** Characters of all names. Longer lists of whole namespaces are left out of the query: VictoriaMetrics takes 16 KB. */
export const nameCharacters = 8_000;

export interface PodsOfQuery {
  /** Sorted by namespace, then name. */
  readonly pods: readonly AskedPod[];
  readonly namespaces: readonly string[];
  /** Undefined for all pods of the namespaces. */
  readonly names: readonly string[] | undefined;
}

/** @param mayJoin whether one query may ask for pods of several namespaces, and for pods without naming them. */
export function podBatches({ objects, isWhole }: UsageQuestion<AskedPod>, mayJoin: boolean): readonly PodsOfQuery[] {
  const byNamespace = [...Map.groupBy(objects, ({ namespace }) => namespace).values()];
  if (!mayJoin) return byNamespace.map((pods) => batchOf(pods, false));
  const batches: PodsOfQuery[] = [];
  let joined: AskedPod[] = [];
  for (const pods of byNamespace) {
    if (pods.length <= podsPerQuery) {
      if (joined.length + pods.length > podsPerQuery) {
        batches.push(batchOf(joined, isWhole));
        joined = [];
      }
      joined.push(...pods);
      continue;
    }
    for (let start = 0; start < pods.length; start += podsPerQuery) {
      batches.push(batchOf(pods.slice(start, start + podsPerQuery), false));
    }
  }
  return joined.length === 0 ? batches : [...batches, batchOf(joined, isWhole)];
}

function batchOf(pods: readonly AskedPod[], isWhole: boolean): PodsOfQuery {
  const namespaces = [...new Set(pods.map(({ namespace }) => namespace))];
  const names = [...new Set(pods.map(({ name }) => name))];
  const characters = names.reduce((sum, name) => sum + name.length + 1, 0);
  return { pods, namespaces, names: isWhole && characters > nameCharacters ? undefined : names };
}
