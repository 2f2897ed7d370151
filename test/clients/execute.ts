/** Runs a client against a target, without the caller's environment, which could change what it does. */
import assert from 'node:assert/strict';
import { outcomeOf, type Outcome } from '../cluster/command.ts';
import type { Target } from './target.ts';

export function execute(target: Target, words: readonly string[]): Promise<Outcome> {
  const [command = '', ...args] = [...target.enter, ...words];
  // kubectl has preferences and a cache at home. The PATH is for what enters the target's network.
  return outcomeOf(command, args, { env: { PATH: process.env['PATH'], HOME: target.folder } });
}

/** Returns its output. A warning is a failure, even with exit code 0. */
export async function printed(target: Target, words: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await execute(target, words);
  assert.equal(exitCode, 0, `${words.join(' ')}: ${stderr}`);
  assert.equal(stderr, '', words.join(' '));
  return stdout;
}
