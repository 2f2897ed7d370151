/** The three kubectls: the oldest that people still have, one of the middle, and the newest; and where each comes from. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { run } from '../cluster/command.ts';
import { keep } from '../cluster/kept.ts';
import { UnmetNeed } from '../cluster/needs.ts';
import type { Settings } from '../cluster/settings.ts';
import { build } from '../cluster/toolchain.ts';

export interface Kubectl {
  readonly name: string;
  /** Start of the version that it reports. */
  readonly version: string;
  /** Options of top: each of these is tried. */
  readonly topOptions: readonly (readonly string[])[];
  /** Its error when it cannot watch. */
  readonly watchRefused: string;
  /** Its path; makes or fetches it first, if need be. */
  install(settings: Settings): Promise<string>;
}

/** Not in 1.20, which reads JSON. 1.29 reads the one that the option says; 1.37 prefers protobuf in any case, but asks in two ways. */
const eitherEncoding = [['--use-protocol-buffers=false'], ['--use-protocol-buffers=true']];

/** The server's own words, and those that older ones make up for any 405; they do so with metrics-server too. */
const serverSays = 'watch is not supported on resources of kind "pods.metrics.k8s.io"';
const madeUp = 'the server does not allow this method on the requested resource (get pods.metrics.k8s.io)';

export const kubectls: readonly Kubectl[] = [
  { name: 'kubectl 1.20 of Debian', version: 'v1.20.', topOptions: [[]], watchRefused: madeUp, install: debianKubectl },
  {
    name: 'kubectl 1.29',
    version: 'v1.29.',
    topOptions: eitherEncoding,
    watchRefused: madeUp,
    install: (settings) => built(settings, 'kubernetes-1.29'),
  },
  {
    name: 'kubectl 1.37',
    version: 'v1.37.',
    topOptions: eitherEncoding,
    watchRefused: serverSays,
    install: (settings) => built(settings, 'kubernetes'),
  },
];

async function built(settings: Settings, module: 'kubernetes' | 'kubernetes-1.29'): Promise<string> {
  return path.join(await build(settings, module), 'kubectl');
}

/** The last that bookworm has; what it is built of goes up to the plus. */
const debianPackage = 'kubernetes-client=1.20.5+really1.20.2-1.1*';

/** Returns its path. The package is unpacked, not installed: the machine may have a kubectl that it needs. */
export async function debianKubectl(settings: Settings): Promise<string> {
  const folder = await keep({
    cache: settings.toolchainCache,
    name: 'kubernetes-client',
    decidedBy: [debianPackage],
    make: download,
  });
  return path.join(folder, 'usr/bin/kubectl');
}

async function download(folder: string): Promise<void> {
  try {
    await run('apt-get', ['download', debianPackage], { cwd: folder });
  } catch (error) {
    throw new UnmetNeed(`needs: Debian's package ${debianPackage} (bookworm, after apt-get update)`, { cause: error });
  }
  const archives = readdirSync(folder).filter((file) => file.endsWith('.deb'));
  await run('dpkg-deb', ['--extract', archives[0] ?? '', '.'], { cwd: folder });
}
