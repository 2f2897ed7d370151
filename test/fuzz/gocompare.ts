/** Go's own answers about templates and regular expressions, where a Go toolchain is installed. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import type { Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

export interface GoQueryData {
  readonly Series: string;
  readonly LabelMatchers: string;
  readonly LabelValuesByName: Readonly<Record<string, string>>;
  readonly GroupBy: string;
  readonly GroupBySlice: readonly string[];
}

export type GoQuestion =
  | { readonly Template: string; readonly Data: GoQueryData }
  | { readonly Pattern: string; readonly Subject: string; readonly As: string };

export interface GoAnswer {
  readonly output: string;
  readonly failure?: string;
  readonly matched: boolean;
  readonly groups: number;
}

/** Asks a Go program, one question after the other. */
export type AskGo = (question: GoQuestion) => Promise<GoAnswer>;

let program: Promise<AskGo | undefined> | undefined;

/** Returns undefined where Go is not installed. The program ends with this process. */
export async function findGo(): Promise<AskGo | undefined> {
  program ??= start();
  return program;
}

async function start(): Promise<AskGo | undefined> {
  const binary = path.join(mkdtempSync(path.join(os.tmpdir(), 'gotemplate-')), 'gotemplate');
  try {
    const cwd = path.join(import.meta.dirname, 'gotemplate');
    execFileSync('go', ['build', '-o', binary, '.'], { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const child = spawn(binary, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const output = child.stdout as Socket;
  child.unref();
  (child.stdin as Socket).unref();
  output.unref();
  return async (question) => {
    // The pipe keeps this process alive only while an answer is awaited.
    output.ref();
    const answered = once(lines, 'line') as Promise<[string]>;
    child.stdin.write(`${JSON.stringify(question)}\n`);
    const [line] = await answered;
    output.unref();
    return JSON.parse(line) as GoAnswer;
  };
}
