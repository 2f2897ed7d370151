/**
 * The fuzz run: every parser of foreign bytes reads real inputs that were changed, and generated ones. No error but the declared ones, bounded CPU time an input, and
 * where there are two ways to read, both say the same.
 *
 * `--seconds=60` in all, `--seed=<number>` (default: a new one, which is printed), `--run=<number>` only that input, other arguments are parts of names.
 */
import { globSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inspect, parseArgs } from 'node:util';
import { Random } from './random.ts';
import { cpuLimitMs, type FuzzTarget } from './target.ts';

/** How many inputs of one parser are tried before the next parser has its turn. */
const batch = 50;

interface State {
  readonly target: FuzzTarget;
  runs: number;
  accepted: number;
  slowestMs: number;
  failure: string | undefined;
}

interface Arguments {
  readonly seconds: number;
  readonly seed: number;
  readonly only: number | undefined;
  readonly parts: readonly string[];
}

async function main({ seconds, seed, only, parts }: Arguments): Promise<number> {
  const targets = (await loadTargets()).filter(
    ({ name }) => parts.length === 0 || parts.some((part) => name.includes(part)),
  );
  console.log(`seed ${seed}, ${only === undefined ? `${seconds} s` : `run ${only}`}`);
  const states = targets.map((target): State => ({ target, runs: 0, accepted: 0, slowestMs: 0, failure: undefined }));
  if (only === undefined) await runFor(states, seed, seconds);
  else for (const state of states) await runOnce(state, seed, only);
  for (const { target, runs, accepted, slowestMs, failure } of states) {
    const share = runs === 0 ? 0 : Math.round((100 * accepted) / runs);
    console.log(
      `${failure === undefined ? 'ok    ' : 'not ok'}  ${target.name}: ${runs} inputs, ${share} % accepted, slowest ${slowestMs.toFixed(1)} ms`,
    );
    if (failure !== undefined) console.log(failure.replaceAll(/^/gm, '        '));
  }
  const failed = states.filter(({ failure, runs }) => failure !== undefined || runs === 0).length;
  console.log(`${states.length - failed} passed, ${failed} failed`);
  return failed === 0 && states.length > 0 ? 0 : 1;
}

async function runFor(states: readonly State[], seed: number, seconds: number): Promise<void> {
  const endMs = performance.now() + seconds * 1_000;
  while (performance.now() < endMs && states.some(({ failure }) => failure === undefined)) {
    for (const state of states) {
      // Each parser has the same time, not the same number of inputs.
      const turnEndMs = performance.now() + (seconds * 1_000) / states.length / 10;
      while (state.failure === undefined && performance.now() < Math.min(turnEndMs, endMs)) {
        for (let count = 0; count < batch && state.failure === undefined; count += 1) {
          await runOnce(state, seed, state.runs);
        }
      }
    }
  }
}

async function runOnce(state: State, seed: number, run: number): Promise<void> {
  const { target } = state;
  const random = new Random(seed, target.name, run);
  const input = target.make(random);
  const startedMs = cpuMs();
  try {
    if (await target.check(input, random)) state.accepted += 1;
  } catch (error) {
    state.failure = describe(target, seed, run, input, error);
  }
  const tookMs = cpuMs() - startedMs;
  state.runs += 1;
  state.slowestMs = Math.max(state.slowestMs, tookMs);
  const limitMs = target.limitMs ?? cpuLimitMs;
  if (tookMs > limitMs) {
    state.failure ??= describe(target, seed, run, input, `it took ${tookMs.toFixed(0)} ms of CPU, limit ${limitMs} ms`);
  }
}

/** CPU time of this thread: other processes do not count. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function describe(target: FuzzTarget, seed: number, run: number, input: Buffer, error: unknown): string {
  const file = path.join(os.tmpdir(), `fuzz-${seed}-${run}.bin`);
  writeFileSync(file, input);
  const again = `npm run fuzz -- --seed=${seed} --run=${run} '${target.name}'`;
  return `${inspect(error).slice(0, 4_000)}\n${input.length} bytes, kept in ${file}\nagain: ${again}`;
}

/** Each file in targets/ exports `targets`. */
async function loadTargets(): Promise<FuzzTarget[]> {
  const folder = path.join(import.meta.dirname, 'targets');
  const files = globSync('*.ts', { cwd: folder }).sort();
  const modules = await Promise.all(
    files.map((file) => import(path.join(folder, file)) as Promise<{ readonly targets: readonly FuzzTarget[] }>),
  );
  return modules.flatMap(({ targets }) => targets);
}

function readArguments(): Arguments {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seconds: { type: 'string' }, seed: { type: 'string' }, run: { type: 'string' } },
  });
  return {
    seconds: Number(values.seconds ?? 60),
    seed: Number(values.seed ?? Date.now() % 2 ** 31),
    only: values.run === undefined ? undefined : Number(values.run),
    parts: positionals,
  };
}

process.exitCode = await main(readArguments());
