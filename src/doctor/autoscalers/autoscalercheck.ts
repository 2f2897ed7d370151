/** Checks HorizontalPodAutoscalers: which do nothing, and why. */
import { type Check, type CheckContext, readable, tolerant } from '../check.ts';
import type { Finding } from '../finding.ts';
import { findServer, unknownServer } from '../nodes/installation.ts';
import { kubeletFlagsOf } from '../nodes/serverflags.ts';
import { failureOf, parseAutoscaler } from './autoscaler.ts';
import { noDetails, readAutoscalerDetails } from './autoscalerdetails.ts';
import { autoscalerCodes } from './autoscalerproblem.ts';
import { explainAutoscaler } from './explainautoscaler.ts';
import { createRivalFinder, isYoungerRival } from './targetproblems.ts';

/** Autoscalers whose targets and pods are read. Of others, only the conditions are explained. */
const detailLimit = 50;

export const autoscalerCheck: Check = {
  name: 'autoscalers',
  title: 'HorizontalPodAutoscalers and why they fail',
  codes: autoscalerCodes,
  run: checkAutoscalers,
};

async function* checkAutoscalers(context: CheckContext): AsyncIterable<Finding> {
  const list = await context.api.list('/apis/autoscaling/v2/horizontalpodautoscalers');
  const autoscalers = (list ?? []).flatMap((object) => parseAutoscaler(object) ?? []);
  const rivalsAmong = createRivalFinder(autoscalers);
  let detailed = 0;
  let server: Promise<boolean> | undefined;
  const servesPrometheus = () => (server ??= comesFromPrometheus(context));
  for (const autoscaler of autoscalers) {
    const others = rivalsAmong(autoscaler);
    // One finding for all of them: the command that deletes the younger ones succeeds only once.
    if (isYoungerRival(autoscaler, others)) continue;
    const isDetailed = failureOf(autoscaler) !== undefined && detailed < detailLimit && others.length === 0;
    if (isDetailed) detailed += 1;
    yield* tolerant(async function* ofOne() {
      const details = isDetailed ? await readAutoscalerDetails(context, autoscaler) : noDetails;
      const finding = explainAutoscaler({
        autoscaler,
        others,
        servesPrometheus: details.pods !== undefined && (await servesPrometheus()),
        nowMs: context.nowMs(),
        ...details,
      });
      if (finding !== undefined) yield finding;
    });
  }
}

/** A server that cannot be looked at is taken for one that scrapes kubelets. */
async function comesFromPrometheus(context: CheckContext): Promise<boolean> {
  const { installation } = await readable(findServer(context), unknownServer);
  return kubeletFlagsOf(installation, context.options).servesPrometheus;
}
