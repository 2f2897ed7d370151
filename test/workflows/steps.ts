/** Reads the workflows, and runs one of their steps in a folder as a hosted runner does. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { type Outcome, outcomeOf } from '../cluster/command.ts';

export interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
}

export interface Workflow {
  readonly jobs: Readonly<Record<string, { readonly steps?: readonly Step[]; readonly uses?: string }>>;
}

export const repository = path.resolve(import.meta.dirname, '../..');
const workflowFolder = path.join(repository, '.github/workflows');

/** `npm ci` and `npm sbom` of a slow machine. */
const stepTimeoutMs = 120_000;

async function readWorkflow(file: string): Promise<Workflow> {
  return parse(await readFile(path.join(workflowFolder, file), 'utf8'));
}

export interface StepOutcome extends Outcome {
  /** Text that the step wrote to $GITHUB_OUTPUT. */
  readonly outputs: Readonly<Record<string, string>>;
}

/**
 * Runs the step by `bash -e`, as a runner does for steps without `shell`.
 * @param env is added to this process's.
 */
export async function runStep(
  file: string,
  id: string,
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<StepOutcome> {
  const steps = Object.values((await readWorkflow(file)).jobs).flatMap((job) => job.steps ?? []);
  const script = steps.find((step) => step.id === id)?.run;
  if (script === undefined) throw new Error(`${file} has no step ${id} that runs commands`);
  const own = await mkdtemp(path.join(tmpdir(), 'kubegauge-step-'));
  try {
    const [scriptFile, output] = [path.join(own, 'step.sh'), path.join(own, 'output')];
    await writeFile(scriptFile, script);
    await writeFile(output, '');
    const outcome = await outcomeOf('bash', ['-e', scriptFile], {
      cwd,
      env: { ...process.env, ...env, GITHUB_OUTPUT: output },
      timeoutMs: stepTimeoutMs,
    });
    return { ...outcome, outputs: readOutputs(await readFile(output, 'utf8')) };
  } finally {
    await rm(own, { recursive: true });
  }
}

function readOutputs(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line !== '');
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)));
}
