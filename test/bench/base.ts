/**
 * Compares another version of this repository with the one here, and with itself, in one run: each measures itself by its own benchmarks, in turns, so that
 * whatever disturbs the machine disturbs all. A difference counts if it is larger than that of the same version from itself.
 */
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
 * Sets the ratios of the figures that both have, to those of the base's first measurements.
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
  // The base twice: its two ratios are what the machine does to equal code.
  const contenders = [
    { tree, results: new Map<string, number[]>() },
    { tree: project, results: new Map<string, number[]>() },
    { tree, results: new Map<string, number[]>() },
  ] as const;
  for (let turn = 0; turn < turns; turn += 1) {
    // Each is first, second and last once.
    for (const each of [...contenders.slice(turn), ...contenders.slice(0, turn)]) {
      await measure(each.tree, parts, each.results);
    }
  }
  const [before, head, again] = contenders.map(({ results }) => results);
  for (const [name, values] of before ?? []) {
    for (const [what, others] of [
      ['head-to-base', head],
      ['base-to-base', again],
    ] as const) {
      const other = others?.get(name);
      if (other !== undefined) figures.set(`${name}.${what}`, { ...ratioOf(other, values), unit: 'change' });
    }
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
