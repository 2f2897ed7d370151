/** Finds rules for PromQL engines whose metrics kubelets have as well: one of the two would hide the other. */
import type { RuleExplanation } from '../rules/explanation.ts';
import type { RuleProblem } from '../rules/problem.ts';
import { metricNamed } from './catalogue.ts';

/** Returns the conflicts that the file shows; names that only series show are logged by `metricsource/combined.ts`. */
export function ruleConflicts(
  rules: readonly Pick<RuleExplanation, 'path' | 'line' | 'kind' | 'as' | 'nameExample'>[],
): readonly RuleProblem[] {
  return rules.flatMap(({ path, line, kind, as, nameExample }) => {
    const metric = nameExample?.metric ?? (as.includes('$') ? undefined : as);
    if (kind === 'external' || metric === undefined || metricNamed(metric) === undefined) return [];
    const problem = `its metric ${metric} is one that --custom-metrics=kubelet serves`;
    return [{ line, path, problem, remedy: 'choose another name with name.as, or leave out --custom-metrics' }];
  });
}
