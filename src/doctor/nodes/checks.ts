/** The checks of nodes, kubelets, pods and HorizontalPodAutoscalers. */
import { autoscalerCheck } from '../autoscalers/autoscalercheck.ts';
import type { Check } from '../check.ts';
import { podCheck } from '../pods/podcheck.ts';
import { kubeletCheck } from './kubeletcheck.ts';
import { serverPortCheck } from './serverports.ts';

export const nodeChecks: readonly Check[] = [kubeletCheck, serverPortCheck, podCheck, autoscalerCheck];
