/** Applies mutations one at a time in a temporary copy of the project, and runs the unit tests that must notice each. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Mutation } from './mutation.ts';

export const projectFolder = path.resolve(import.meta.dirname, '../..');

/** Outcome of a mutation: its tests failed, as they must; they passed; or the text to replace is not there exactly once. */
export type Outcome = 'noticed' | 'survived' | 'does not apply';

export interface Copy extends AsyncDisposable {
  /** Returns the outcome, and leaves the copy as it was. */
  tryOut(mutation: Mutation): Promise<Outcome>;
  /** Reports whether the tests pass without a mutation. */
  passes(patterns: readonly string[]): Promise<boolean>;
}

/** Returns the mutated source; undefined where the text to replace is not there exactly once. */
export function mutated(source: string, { search, replace }: Mutation): string | undefined {
  const at = source.indexOf(search);
  if (at === -1 || source.indexOf(search, at + 1) !== -1) return undefined;
  return source.slice(0, at) + replace + source.slice(at + search.length);
}

export async function makeCopy(): Promise<Copy> {
  const folder = await mkdtemp(path.join(tmpdir(), 'kubegauge-mutations-'));
  for (const name of ['src', 'test', 'package.json']) {
    await cp(path.join(projectFolder, name), path.join(folder, name), { recursive: true });
  }
  await symlink(path.join(projectFolder, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
  return { tryOut, passes, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };

  async function tryOut(mutation: Mutation): Promise<Outcome> {
    const file = path.join(folder, 'src', mutation.file);
    const source = await readFile(file, 'utf8');
    const changed = mutated(source, mutation);
    if (changed === undefined) return 'does not apply';
    await writeFile(file, changed);
    try {
      return (await passes(mutation.tests)) ? 'survived' : 'noticed';
    } finally {
      await writeFile(file, source);
    }
  }

  async function passes(patterns: readonly string[]): Promise<boolean> {
    for (const pattern of patterns) if (!(await pass(pattern))) return false;
    return true;
  }

  /** Tests that hang have noticed the mutation, too. */
  async function pass(pattern: string): Promise<boolean> {
    const argv = ['--test', '--test-isolation=none', '--test-force-exit', `--test-timeout=${timeoutMs}`, pattern];
    const child = spawn(process.execPath, argv, { cwd: folder, stdio: 'ignore', timeout: 2 * timeoutMs });
    const [code] = await once(child, 'exit');
    return code === 0;
  }
}

/** Milliseconds; a whole module's tests take a few seconds. */
const timeoutMs = 60_000;
