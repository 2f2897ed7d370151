/** Judges what an attack cost, by its limits and by what the machine does without an attack. */
import type { Limits } from './attack.ts';
import { type Lane, lanes, type Sight } from './bystander.ts';
import type { Cost } from './lab.ts';

export interface Measured {
  readonly cost: Cost;
  readonly sight: Sight;
}

const bytesPerMiB = 1024 ** 2;

/** Rules by which an attack is judged. */
export interface Rules {
  readonly limits: Limits;
  /** Bystanders who do not count. */
  readonly alike: readonly Lane[];
}

/** Returns a sentence for each limit that was exceeded. */
export function costProblems({ cost, sight }: Measured, { limits, alike }: Rules, control: Measured): string[] {
  const others = lanes.filter((lane) => !alike.includes(lane));
  const { hold, cpuSeconds, seconds, addedBytes } = cost;
  const usualCpu = control.cost.cpuSeconds / control.cost.seconds;
  const waits = others.map((lane): Rule => {
    const limit = limits.waitMs + control.sight[lane].longestMs;
    return [`the longest wait of the ${lane} bystander`, sight[lane].longestMs, limit, 'ms'];
  });
  const rules: readonly Rule[] = [
    ['the longest turn by its CPU time', hold.cpuMs, limits.holdCpuMs + control.cost.hold.cpuMs, 'ms'],
    ['the longest turn by the clock', hold.wallMs, limits.waitMs + control.cost.hold.wallMs, 'ms'],
    ...waits,
    ['CPU time beyond that of the control run', cpuSeconds - usualCpu * seconds, limits.cpuSeconds, 's'],
    ['added memory', addedBytes / bytesPerMiB, limits.addedBytes / bytesPerMiB, 'MiB'],
  ];
  const exceeded = rules.filter(([, value, limit]) => value > limit);
  const refused = others.filter((lane) => sight[lane].refused > 0);
  return [
    ...exceeded.map(
      ([what, value, limit, unit]) => `${what} is ${round(value)} ${unit}, limit ${round(limit)} ${unit}`,
    ),
    ...refused.map((lane) => `the ${lane} bystander was refused ${sight[lane].refused} times: ${sight[lane].reason}`),
  ];
}

type Rule = readonly [what: string, value: number, limit: number, unit: string];

/** The costs in one line. */
export function describeCost({ cost: { hold, cpuSeconds, seconds, addedBytes }, sight }: Measured): string {
  const waits = lanes.map((lane) => `${lane} ${round(sight[lane].longestMs)}`).join(', ');
  const mebibytes = Math.max(0, addedBytes) / bytesPerMiB;
  return `${cpuSeconds.toFixed(2)} CPU s in ${seconds.toFixed(1)} s; longest hold ${round(hold.cpuMs)} ms of CPU, ${round(hold.wallMs)} ms by the clock; longest wait in ms: ${waits}; ${mebibytes.toFixed(1)} MiB more`;
}

function round(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}
