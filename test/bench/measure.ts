/** Measures contenders in turns, A B A B, by CPU time, of this process where they run in it; what disturbs the machine then disturbs all of them. */

/** A figure that was measured several times. */
export interface Figure {
  readonly unit: Unit;
  readonly median: number;
  /** The first and the third quartile. */
  readonly low: number;
  readonly high: number;
}

/** us and ms are CPU time, user and system, except in `start`, `p50`, `event-loop` and `by-the-clock`, which go by the clock; ratio is to what the name says, as is change, which is shown in percent. */
export type Unit = 'us' | 'ms' | 'bytes' | 'MiB' | 'count' | 'ratio' | 'change';

/** By names whose parts are separated by dots. */
export type Figures = Map<string, Figure>;

export type Contender = Here | Elsewhere;

/** Runs in this process. */
export interface Here {
  readonly name: string;
  /** Does the same this many times. */
  run(times: number): void | Promise<void>;
}

/** Runs in a process that measures itself. */
export interface Elsewhere {
  readonly name: string;
  /** Does the same this many times; CPU microseconds. */
  cpuUs(times: number): Promise<number>;
}

export interface Turns {
  readonly rounds: number;
  /** How much CPU time a contender gets per round, and before the first one, in milliseconds. */
  readonly roundMs: number;
  readonly warmUpMs: number;
}

/** CPU microseconds of doing it once, by contender, one per round. */
export async function inTurns(
  contenders: readonly Contender[],
  turns: Turns,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const times = new Map<string, number>();
  for (const contender of contenders) times.set(contender.name, await warmUp(contender, turns));
  const results = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < turns.rounds; round += 1) {
    // Each is first, last and behind each other one at some time.
    const turn = round % contenders.length;
    for (const contender of [...contenders.slice(turn), ...contenders.slice(0, turn)]) {
      const count = times.get(contender.name) ?? 1;
      results.get(contender.name)?.push((await cpuMicroseconds(contender, count)) / count);
    }
  }
  return results;
}

/** Returns how often it is done in a round. */
async function warmUp(contender: Contender, { roundMs, warmUpMs }: Turns): Promise<number> {
  let count = 1;
  let spentUs = 0;
  let lastUs = 0;
  // What is done once is too short to be measured; so the count grows until it is not.
  while (spentUs < warmUpMs * 1000) {
    if (lastUs < roundMs * 500) count *= 2;
    lastUs = await cpuMicroseconds(contender, count);
    spentUs += lastUs;
  }
  return Math.max(1, Math.round((count * roundMs * 1000) / lastUs));
}

async function cpuMicroseconds(contender: Contender, count: number): Promise<number> {
  if ('cpuUs' in contender) return contender.cpuUs(count);
  const before = process.cpuUsage();
  await contender.run(count);
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

export function figureOf(values: readonly number[], unit: Unit): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  return { unit, median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) };
}

/** The ratio of the medians, with the spread of the ratios round by round. */
export function ratioOf(ours: readonly number[], theirs: readonly number[]): Figure {
  const ratios = ours.map((value, round) => value / (theirs[round] ?? Number.NaN));
  const median = figureOf(ours, 'ratio').median / figureOf(theirs, 'ratio').median;
  return { ...figureOf(ratios, 'ratio'), median };
}

/** Returns a figure that was measured once. */
export function single(value: number, unit: Unit): Figure {
  return figureOf([value], unit);
}

function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}
