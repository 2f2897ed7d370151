/** Builds the pinned Go binaries once and keeps them, in a folder named after everything that decides what they are. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { keep } from './kept.ts';
import { requireGo } from './needs.ts';
import type { Settings } from './settings.ts';

/** Each folder below toolchain/ holds a go.mod and go.sum with nothing but pins, and its flags here. */
const modules = {
  kubernetes: ['-trimpath', '-ldflags', '-s -w -X k8s.io/component-base/version.gitVersion=v1.37.2'],
  'kubernetes-1.29': ['-trimpath', '-ldflags', '-s -w -X k8s.io/component-base/version.gitVersion=v1.29.15'],
  containerd: ['-trimpath', '-tags', 'no_btrfs no_devmapper no_zfs no_aufs', '-ldflags', '-s -w'],
  'metrics-server': ['-trimpath', '-ldflags', '-s -w'],
  actionlint: ['-trimpath', '-ldflags', '-s -w'],
  'prometheus-adapter': ['-trimpath', '-ldflags', '-s -w'],
  prometheus: ['-trimpath', '-ldflags', '-s -w'],
  victoriametrics: ['-trimpath', '-ldflags', '-s -w'],
} as const satisfies Record<string, readonly string[]>;

export type Module = keyof typeof modules;
export const allModules: readonly Module[] = [
  'kubernetes',
  'containerd',
  'metrics-server',
  'kubernetes-1.29',
  'actionlint',
  'prometheus-adapter',
];
/** PromQL engines newer than Debian's, which only `npm run test:promql -- --all` needs. */
export const newerEngines: readonly Module[] = ['prometheus', 'victoriametrics'];

/** How often a running build says that it is still running. */
const progressIntervalMs = 20_000;

/** The folder with the module's binaries, built first if it is not there: minutes from cold, seconds with a warm Go cache. */
export function build(settings: Settings, module: Module): Promise<string> {
  const pins = ['go.mod', 'go.sum'].map((file) => readFileSync(path.join(sourceFolder(module), file)));
  return keep({
    cache: settings.toolchainCache,
    name: module,
    decidedBy: [...pins, JSON.stringify(modules[module])],
    make: (folder) => goBuild(module, folder),
  });
}

const sourceFolder = (module: Module): string => path.join(import.meta.dirname, 'toolchain', module);

async function goBuild(module: Module, target: string): Promise<void> {
  requireGo();
  const startedMs = performance.now();
  const seconds = (): number => Math.round((performance.now() - startedMs) / 1000);
  console.log(`${module}: building (minutes from cold)`);
  // -v names each package when it is compiled: with it progress can be shown.
  const child = spawn('go', ['build', '-v', ...modules[module], '-o', `${target}/`, 'tool'], {
    cwd: sourceFolder(module),
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  let packages = 0;
  const lastLines: string[] = [];
  createInterface(child.stderr).on('line', (line) => {
    packages += 1;
    lastLines.push(line);
    if (lastLines.length > 30) lastLines.shift();
  });
  const progress = setInterval(
    () => console.log(`${module}: ${packages} packages, ${seconds()} s`),
    progressIntervalMs,
  );
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(() => clearInterval(progress));
  if (code !== 0) throw new Error(`${module}: go build failed:\n${lastLines.join('\n')}`);
  console.log(`${module}: built in ${seconds()} s`);
}
