/** Overrides that name resources which the cluster does not have. */
import type { Mapper } from '../metricsource/described.ts';
import type { RuleProblem } from './problem.ts';
import type { Rules } from './rule.ts';

/**
 * Returns a problem for each override whose resource discovery does not know. prometheus-adapter ends with the first;
 * a resource may also be defined later.
 */
export function unknownResources({ custom, external }: Rules, mapper: Mapper): readonly RuleProblem[] {
  return [...custom, ...external].flatMap(({ path, line, labels }) =>
    [...labels.overrides]
      .filter(([, resource]) => mapper.resourceFor(resource) === undefined)
      .map(([label, resource]) => ({
        line,
        path: `${path}.resources.overrides.${label}`,
        problem: `the cluster has no resource ${resource}`,
        remedy: 'correct its name and group as `kubectl api-resources` shows them, or define it',
      })),
  );
}
