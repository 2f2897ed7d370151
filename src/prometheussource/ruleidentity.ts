/** Identifies rules across reloads: another rule may have the same place in the new file. */
import type { MetricRule } from '../rules/rule.ts';

/** Returns one line, equal for rules that send the same query to the same engine. */
export function identityOf({ path, source, metricsQueryText }: MetricRule): string {
  return JSON.stringify([path, source ?? null, metricsQueryText]);
}
