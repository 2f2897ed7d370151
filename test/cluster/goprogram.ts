/** Builds a small Go program of ours from its folder, with the dependencies that it pins, and keeps it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { run } from './command.ts';
import { keep } from './kept.ts';
import { requireGo } from './needs.ts';
import type { Settings } from './settings.ts';

export interface GoProgram {
  /** With go.mod, go.sum and main.go. */
  readonly folder: string;
  /** Name of the folder in the cache. */
  readonly name: string;
  readonly binary: string;
}

/** From cold it fetches and compiles all dependencies. */
const buildTimeoutMs = 10 * 60_000;

/** The binary's path. */
export async function buildGoProgram(
  { toolchainCache }: Settings,
  { folder, name, binary }: GoProgram,
): Promise<string> {
  const sources = ['go.mod', 'go.sum', 'main.go'].map((file) => readFileSync(path.join(folder, file)));
  const flags = ['-trimpath', '-ldflags', '-s -w'];
  const kept = await keep({
    cache: toolchainCache,
    name,
    decidedBy: [...sources, JSON.stringify(flags), binary],
    make: async (target) => {
      requireGo();
      await run('go', ['build', ...flags, '-o', path.join(target, binary), '.'], {
        cwd: folder,
        env: { ...process.env, CGO_ENABLED: '0' },
        timeoutMs: buildTimeoutMs,
      });
    },
  });
  return path.join(kept, binary);
}
