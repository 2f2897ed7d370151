/** Says what a fault has cost that it may not cost. */
import type { Result } from './round.ts';

/** Timestamps are in whole seconds at both ends, and the machine may be busy; what waits for a hung kubelet is later by five. */
export const slackSeconds = 3;

/** Empty when ours is as it should be. */
export function judge({ fault, figures: { ours }, broken, wrong }: Result): string[] {
  const allowed = fault.awaySeconds ?? 0;
  const problems: string[] = [];
  if (broken !== undefined) problems.push(broken);
  const atMost = (what: string, seconds: number | undefined, limit: number) => {
    if (seconds !== undefined && seconds > limit)
      problems.push(`${what} for ${seconds.toFixed(1)} s, allowed are ${limit}`);
  };
  atMost('what failed was away', ours.ownAwaySeconds, allowed);
  atMost('others were away', ours.othersAwaySeconds, allowed);
  atMost('not ready', ours.notReadySeconds, allowed);
  if ((ours.othersOlderSeconds ?? 0) > allowed + slackSeconds)
    problems.push(`healthy nodes' data became ${ours.othersOlderSeconds?.toFixed(1)} s older`);
  if (ours.wrongSeconds > 0) problems.push(`wrong values for ${ours.wrongSeconds.toFixed(1)} s: ${wrong.join('; ')}`);
  const growth = ours.residentPeakMegabytes - ours.residentBeforeMegabytes;
  if (fault.growthMegabytes !== undefined && growth > fault.growthMegabytes)
    problems.push(`memory grew by ${Math.round(growth)} MB, allowed are ${fault.growthMegabytes}`);
  return problems;
}
