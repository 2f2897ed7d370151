/** Which metrics a rule may make whose first list of series is yet to come. */
import { expansionTest } from '../rules/expansion.ts';
import type { MetricRule } from '../rules/rule.ts';
import { fixedNameOf } from '../rules/seriesmetrics.ts';
import type { SeriesLists } from './serieslists.ts';

/** Returns the place of the last rule that will or may make a metric of this name; -1 without one. */
export type AwaitedRule = (metric: string) => number;

/**
 * Finds them at the time of the call. A rule whose metric the file names is awaited until its list has come or failed;
 * one whose series decide the names for the first seconds only, since a list that hangs must not hold back all metrics.
 */
export function awaitedRules(rules: readonly MetricRule[], lists: Pick<SeriesLists, 'of'>): AwaitedRule {
  const fixed = new Map<string, number>();
  const others: { readonly mayName: (metric: string) => boolean; readonly index: number }[] = [];
  for (const [index, rule] of rules.entries()) {
    const { isAwaited, isExpectedSoon } = lists.of(rule);
    if (!isAwaited) continue;
    const name = fixedNameOf(rule);
    if (name !== undefined) fixed.set(name, index);
    else if (isExpectedSoon) others.unshift({ mayName: expansionTest(rule.name.as), index });
  }
  return (metric) => {
    const other = others.find(({ mayName }) => mayName(metric));
    return Math.max(fixed.get(metric) ?? -1, other?.index ?? -1);
  };
}
