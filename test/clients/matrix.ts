/** Every client with everything that it must be able to do: the same against every cluster. */
import { describeAggregation } from './aggregation.ts';
import { describeKubectl } from './kubectl.ts';
import { kubectls } from './kubectls.ts';
import { describeProgram } from './program.ts';
import { programs } from './programs.ts';
import type { Target } from './target.ts';

/** Makes the tests; the pod and the node of the target have to be measured before the first one runs. */
export function describeMatrix(target: Target): void {
  describeAggregation(target);
  for (const kubectl of kubectls) describeKubectl(kubectl, target);
  for (const program of programs) describeProgram(program, target);
}
