/** Which form of an answer a client wants. */
import { aggregatedMediaType } from '../api/discovery.ts';
import type { JsonForm } from '../apimachinery/meta.ts';

/**
 * Indented for people, compact for programs: by ?pretty, else by the user agents that people hold in their hands.
 * The list is that of k8s.io/apiserver, to the letter case.
 */
export function jsonForm(query: ReadonlyMap<string, string>, userAgent: string): JsonForm {
  const pretty = query.get('pretty') ?? '';
  if (pretty !== '') return yes.has(pretty) ? 'pretty' : 'compact';
  return ['curl', 'Wget', 'Mozilla/5.0'].some((prefix) => userAgent.startsWith(prefix)) ? 'pretty' : 'compact';
}

/** The spellings of Go's strconv.ParseBool for true. */
const yes: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);

/** Whether the first media type of Accept that we have for discovery is the aggregated one. */
export function wantsAggregatedDiscovery(accept: string): boolean {
  for (const clause of accept.split(',')) {
    const [type, ...parameters] = clause.split(';').map((part) => part.trim());
    if (aggregated.every((part) => part === type || parameters.includes(part))) return true;
    const transforms = parameters.some((parameter) => parameter.startsWith('as='));
    if (!transforms && (type === 'application/json' || type === '*/*')) return false;
  }
  return false;
}

const aggregated = aggregatedMediaType.split(';');
