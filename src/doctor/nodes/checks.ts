/** The checks of nodes, kubelets, pods and HorizontalPodAutoscalers. */
import type { Check } from '../check.ts';

export const nodeChecks: readonly Check[] = [];
