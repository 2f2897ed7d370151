/** Flows of questions: whose queries share connections, breakers, answers and last values. */
import type { Caller } from '../metricsource/source.ts';
import type { Flow } from '../promql/flow.ts';

/** A controller works for all namespaces, so each of them is a flow; of others, each caller is. */
export function flowOf({ kind, name }: Caller, namespace: string): Flow {
  if (kind === 'system') return { lane: 'system', key: `${name} ${namespace}` };
  return kind === 'user' ? { lane: 'users', key: name } : { lane: 'strangers', key: '' };
}
