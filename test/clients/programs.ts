/** Small programs on the client libraries of Go, Python and JavaScript, and how each comes to be run. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { run } from '../cluster/command.ts';
import { buildGoProgram } from '../cluster/goprogram.ts';
import { keep } from '../cluster/kept.ts';
import { UnmetNeed } from '../cluster/needs.ts';
import type { Settings } from '../cluster/settings.ts';

/** Output of a program for each way in which its library can ask. */
export type Answer =
  | 'node'
  | 'nodes'
  | 'nodeWatch'
  | 'nodesPast'
  | 'nodesPaged'
  | 'pod'
  | 'pods'
  | 'podWatch'
  | 'podsPast'
  | 'podsPaged'
  | 'top';

export interface Program {
  readonly name: string;
  /** Which answers a way must give; it may be made for one version only. */
  readonly ways: Readonly<Record<string, { readonly answers: readonly Answer[]; readonly only?: string }>>;
  /** The words to run it with, before its arguments: kubeconfig, version, node, namespace, pod. */
  install(settings: Settings): Promise<readonly string[]>;
}

const all: readonly Answer[] = ['node', 'nodes', 'nodeWatch', 'pod', 'pods', 'podWatch'];

/** Answers of kubegauge alone: metrics-server has neither pages nor a past. */
const ofLists: readonly Answer[] = ['nodesPast', 'nodesPaged', 'podsPast', 'podsPaged'];

export const programs: readonly Program[] = [
  {
    name: 'the metrics clientset of client-go, by protobuf',
    ways: { clientset: { answers: [...all, ...ofLists] } },
    install: async (settings) => [
      await buildGoProgram(settings, { folder: file('go'), name: 'client-go', binary: 'clientset' }),
    ],
  },
  {
    name: 'the Python client',
    ways: { CustomObjectsApi: { answers: [...all, ...ofLists] }, DynamicClient: { answers: all } },
    install: async (settings) => [path.join(await pythonEnvironment(settings), 'bin/python'), file('python/main.py')],
  },
  {
    name: 'the JavaScript client',
    ways: { CustomObjectsApi: { answers: all }, Metrics: { answers: ['nodes', 'pods', 'top'], only: 'v1beta1' } },
    install: () => Promise.resolve([process.execPath, file('javascript/main.ts')]),
  },
];

const file = (name: string): string => path.join(import.meta.dirname, name);

/** From cold it fetches all packages. */
const installTimeoutMs = 10 * 60_000;

async function pythonEnvironment(settings: Settings): Promise<string> {
  return keep({
    cache: settings.toolchainCache,
    name: 'client-python',
    // An environment leans on the interpreter that made it.
    decidedBy: [readFileSync(file('python/requirements.txt')), await run('python3', ['--version'])],
    make: async (folder) => {
      await makeEnvironment(folder);
      const install = [
        '-m',
        'pip',
        'install',
        '--quiet',
        '--no-deps',
        '--requirement',
        file('python/requirements.txt'),
      ];
      await run(path.join(folder, 'bin/python'), install, { timeoutMs: installTimeoutMs });
    },
  });
}

async function makeEnvironment(folder: string): Promise<void> {
  try {
    await run('python3', ['-m', 'venv', folder]);
  } catch (error) {
    throw new UnmetNeed('needs: python3 with venv (apt-get install python3-venv)', { cause: error });
  }
}
