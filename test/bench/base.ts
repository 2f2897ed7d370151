/** Another version of this repository beside the one here, in one run: each measures itself by its own benchmarks, in turns, so that whatever disturbs the machine disturbs both. */
import { mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../cluster/command.ts';
import { type Figures, ratioOf } from './measure.ts';
import type { Measured } from './measured.ts';
import { temporaryFolder } from './temporaryfolder.ts';

const turns = 3;
const turnTimeoutMs = 15 * 60_000;
const project = path.resolve(import.meta.dirname, '../..');

/**
 * Sets the ratios of the figures that both have.
 * @param base what git knows it by.
 * @param parts of the benchmarks, by name.
 */
export async function benchBase(figures: Figures, base: string, parts: readonly string[]): Promise<void> {
  await using folder = await temporaryFolder();
  const tree = path.join(folder.path, 'tree');
  const archive = path.join(folder.path, 'tree.tar');
  await mkdir(tree);
  await run('git', ['archive', '--output', archive, base], { cwd: project });
  await run('tar', ['-xf', archive, '-C', tree]);
  await symlink(path.join(project, 'node_modules'), path.join(tree, 'node_modules'));
  const results = { base: new Map<string, number[]>(), head: new Map<string, number[]>() };
  for (let turn = 0; turn < turns; turn += 1) {
    await measure(tree, parts, results.base);
    await measure(project, parts, results.head);
  }
  for (const [name, head] of results.head) {
    const before = results.base.get(name);
    if (before !== undefined) figures.set(`${name}.head-to-base`, ratioOf(head, before));
  }
}

async function measure(tree: string, parts: readonly string[], results: Map<string, number[]>): Promise<void> {
  const main = path.join(tree, 'test/bench/main.ts');
  const output = await run(process.execPath, [main, ...parts, '--json'], { cwd: tree, timeoutMs: turnTimeoutMs });
  const { figures } = JSON.parse(output) as Measured;
  for (const [name, { median }] of Object.entries(figures)) {
    results.set(name, [...(results.get(name) ?? []), median]);
  }
}
