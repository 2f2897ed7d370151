/** Runs one command to its end and says what it printed; in this process's network or in the cluster's. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import type { Settings } from './settings.ts';

export interface CommandOptions {
  /** Text for the command's standard input; without it the input is empty. */
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Default: 60 s; nothing here may hang a test run. */
  readonly timeoutMs?: number;
}

/** A command that ended with anything but 0. The message carries what it printed as its error. */
export class CommandFailed extends Error {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  constructor(line: string, exitCode: number | undefined, stdout: string, stderr: string) {
    super(`${line}: ${exitCode === undefined ? 'killed or timed out' : `exit ${exitCode}`}: ${stderr.trim()}`);
    this.exitCode = exitCode;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

export interface Outcome {
  /** Undefined when a signal ended it, which is what happens when it takes too long. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Standard output of the command. Throws CommandFailed. */
export async function run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await outcomeOf(command, args, options);
  if (exitCode === 0) return stdout;
  throw new CommandFailed([command, ...args].join(' '), exitCode, stdout, stderr);
}

/** Rejects only when the command cannot be started. */
export function outcomeOf(command: string, args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 60_000,
    killSignal: 'SIGKILL',
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A command that ends without reading its input is judged by its exit code, not by the broken pipe.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`cannot start ${command}`, { cause: error })));
    child.once('close', (code) => {
      const [out, err] = [stdout, stderr].map((chunks) => Buffer.concat(chunks).toString());
      resolve({ exitCode: code ?? undefined, stdout: out ?? '', stderr: err ?? '' });
    });
  });
}

/** Like run, in the cluster's network namespace. */
export function runInNamespace(
  settings: Settings,
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  return run(...entered(settings, command, args), options);
}

/** Starts a process in the cluster's network namespace; nsenter becomes the command, so the child's pid is the command's. */
export function spawnInNamespace(
  settings: Settings,
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): ChildProcess {
  return spawn(...entered(settings, command, args), options);
}

function entered(settings: Settings, command: string, args: readonly string[]): [command: string, args: string[]] {
  const [enter, ...words] = enterNetwork(settings);
  return [enter, [...words, command, ...args]];
}

/**
 * The words before a command that is to run in the cluster's network. Only the network: `ip netns exec` would also remount /sys and
 * hide the cgroups from the kubelet.
 */
export function enterNetwork(settings: Settings): [string, ...string[]] {
  return ['nsenter', `--net=${settings.networkNamespace}`, '--'];
}
