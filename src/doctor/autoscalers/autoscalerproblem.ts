/** Lists the problems of autoscalers. */
import type { Severity } from '../finding.ts';

export interface AutoscalerProblem {
  readonly code: AutoscalerCode;
  /** Default: error. */
  readonly severity?: Severity;
  readonly problem: string;
  readonly remedy: string | undefined;
  readonly evidence?: string | undefined;
}

export const autoscalerCodes = [
  'autoscaler-ignored',
  'autoscaler-target-kind',
  'autoscaler-target-missing',
  'autoscaler-target-forbidden',
  'autoscaler-target-unreadable',
  'autoscaler-no-selector',
  'autoscaler-rivals',
  'autoscaler-selector-overlap',
  'autoscaler-disabled',
  'autoscaler-no-request',
  'autoscaler-stranger-pod',
  'autoscaler-unknown-container',
  'autoscaler-no-pods',
  'autoscaler-pods-pending',
  'autoscaler-pods-crash',
  'autoscaler-pods-young',
  'autoscaler-pods-unready',
  'autoscaler-no-usage',
  'autoscaler-api-unavailable',
  'autoscaler-other-api',
  'autoscaler-failing',
] as const;

export type AutoscalerCode = (typeof autoscalerCodes)[number];
