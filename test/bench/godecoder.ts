/** Measures the CPU time that Go takes to decode a body, or to fetch and decode it, in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { buildGoProgram } from '../cluster/goprogram.ts';
import { readSettings, type Settings } from '../cluster/settings.ts';
import type { Elsewhere } from './measure.ts';

export type GoDecoder = Elsewhere & AsyncDisposable;

/** Returns the path of the program; builds it first where it is not kept. */
export function buildGoDecoder(settings: Settings): Promise<string> {
  const folder = path.join(import.meta.dirname, 'go');
  return buildGoProgram(settings, { folder, name: 'bench-decode', binary: 'decode' });
}

/** @param source of text as from encodeText: a file, or an https URL, where transport is part of it. */
export async function startGoDecoder(name: string, source: string): Promise<GoDecoder> {
  const program = await buildGoDecoder(readSettings());
  const child = spawn(program, [source], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  // From then on it has the body in memory.
  await cpuUs(1);
  return {
    name,
    cpuUs,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };

  async function cpuUs(times: number): Promise<number> {
    child.stdin.write(`${times}\n`);
    const { value, done } = await lines.next();
    if (done === true) throw new Error('the decoder in Go has ended');
    return Number(value);
  }
}
