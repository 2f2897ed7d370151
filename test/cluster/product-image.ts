/** Builds the product's image from the Dockerfile's own stages, without a Docker engine and without pulling anything. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { V1Deployment } from '@kubernetes/client-node';
import { CommandFailed, run } from './command.ts';
import { findCommand, UnmetNeed } from './needs.ts';
import { fillBuildRoot, fillRuntimeRoot, trustPath } from './node-root.ts';
import { parseObjects } from './registration.ts';

export interface ImageRequest {
  /** The full name with registry and tag as containerd keeps it; a pod's `kubegauge:1` is docker.io/library/kubegauge:1. */
  readonly tag: string;
  /** The OCI archive to write, ready for `ctr --namespace k8s.io images import`. */
  readonly out: string;
}

const project = path.resolve(import.meta.dirname, '../..');
const buildImageName = 'localhost/kubegauge-build';
const runtimeImageName = 'localhost/kubegauge-runtime';
/** A chroot asks for no container runtime, the machine's network for no setup; one time for all files keeps the digest. */
const isolated = ['--isolation=chroot', '--network=host', '--timestamp=0'];
/** Two `npm ci` and a copy of each root file system; half a minute on two idle cores. */
const buildTimeoutMs = 600_000;

/** Builds the image under the name that manifests/base gives it. Resolves to the path of the archive. */
export async function buildManifestsImage(out: string): Promise<string> {
  const [deployment] = parseObjects(await readFile(path.join(project, 'manifests/base/deployment.yaml'), 'utf8'));
  const name = (deployment as V1Deployment | undefined)?.spec?.template.spec?.containers[0]?.image;
  if (name === undefined) throw new Error('manifests/base has no Deployment with an image');
  return buildImage({ tag: `docker.io/library/${name}`, out });
}

/** Resolves to the path of the archive. Same sources and same Node, same digest. Needs root, buildah, npm and a registry. */
export async function buildImage({ tag, out }: ImageRequest): Promise<string> {
  if (findCommand('buildah') === undefined) throw new UnmetNeed('needs: buildah (apt-get install buildah)');
  const npm = findNpm();
  const folder = await mkdtemp(path.join(tmpdir(), 'kubegauge-image-'));
  try {
    const buildah = inStorage(folder);
    const npmrc = path.join(folder, 'npmrc');
    await writeFile(npmrc, await readNpmConfig(), { mode: 0o600 });
    const trust = await readTrust();
    await makeBase(buildah, buildImageName, path.join(folder, 'build'), (root) => fillBuildRoot(root, trust, npm));
    await makeBase(buildah, runtimeImageName, path.join(folder, 'runtime'), (root) => fillRuntimeRoot(root, trust));
    await buildah([
      'bud',
      ...isolated,
      '--pull-never',
      `--build-arg=BUILD_IMAGE=${buildImageName}`,
      `--build-arg=RUNTIME_IMAGE=${runtimeImageName}`,
      // Mounted while npm runs and part of no layer: it may hold a token.
      `--secret=id=npmrc,src=${npmrc}`,
      `--tag=${tag}`,
      project,
    ]);
    await rm(out, { force: true });
    await buildah(['push', tag, `oci-archive:${out}:${tag}`]);
    return out;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Buildah = (args: readonly string[]) => Promise<void>;

/** All of buildah's state in the folder, so that removing it leaves nothing; vfs needs neither mounts nor a kernel module. */
function inStorage(folder: string): Buildah {
  const storage = ['--root', path.join(folder, 'storage'), '--runroot', path.join(folder, 'run')];
  return async (args) => {
    try {
      await run('buildah', [...storage, '--storage-driver', 'vfs', ...args], { timeoutMs: buildTimeoutMs });
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      // The compiler complains on standard output.
      const output = error.stdout.trimEnd().split('\n').slice(-20).join('\n');
      throw new Error(`buildah ${args[0]} failed:\n${output}\n${error.stderr}`, { cause: error });
    }
  };
}

async function makeBase(
  buildah: Buildah,
  name: string,
  root: string,
  fill: (root: string) => Promise<void>,
): Promise<void> {
  await mkdir(root);
  await fill(root);
  const dockerfile = `${root}.Dockerfile`;
  await writeFile(dockerfile, 'FROM scratch\nCOPY . /\nENV PATH=/usr/sbin:/usr/bin:/sbin:/bin\n');
  await buildah(['bud', ...isolated, `--file=${dockerfile}`, `--tag=${name}`, root]);
}

/** The folder of the machine's npm. Throws UnmetNeed when there is none that can be copied as one folder. */
function findNpm(): string {
  const command = machinePath()
    .map((folder) => path.join(folder, 'npm'))
    .find((file) => existsSync(file));
  const folder = command === undefined ? undefined : path.resolve(path.dirname(command), '../lib/node_modules/npm');
  if (folder === undefined || !existsSync(path.join(folder, 'bin/npm-cli.js'))) {
    throw new UnmetNeed('needs: npm as Node brings it, in lib/node_modules/npm beside its bin folder');
  }
  return folder;
}

/** PATH without this checkout's Node: npm finds its global configuration beside the Node that runs it. */
function machinePath(): string[] {
  return (process.env['PATH'] ?? '').split(':').filter((folder) => !folder.endsWith('node_modules/.bin'));
}

/** The machine's way to its registry, as an npmrc for the build stage. */
async function readNpmConfig(): Promise<string> {
  const own = await npmSetting('userconfig');
  const lines = [own !== undefined && existsSync(own) ? await readFile(own, 'utf8') : ''];
  // Of two lines with the same key the last one counts.
  for (const key of ['registry', 'proxy', 'https-proxy', 'noproxy']) {
    const value = await npmSetting(key);
    if (value !== undefined) lines.push(`${key}=${value}`);
  }
  return [...lines, `cafile=${trustPath}`, ''].join('\n');
}

/** Every CA that the machine's npm trusts: where a registry is reached through a proxy, its CA is one of them. */
async function readTrust(): Promise<string> {
  const candidates = new Set([await npmSetting('cafile'), process.env['NODE_EXTRA_CA_CERTS'], trustPath]);
  const files = [...candidates].filter((file) => file !== undefined && existsSync(file));
  if (files.length === 0) throw new UnmetNeed(`needs: ${trustPath} (apt-get install ca-certificates)`);
  return (await Promise.all(files.map((file) => readFile(file ?? '', 'utf8')))).join('\n');
}

/** One setting of the machine's npm, from wherever it is configured; undefined when it is not. */
async function npmSetting(key: string): Promise<string | undefined> {
  const env = { ...process.env, PATH: machinePath().join(':') };
  const value = (await run('npm', ['config', 'get', key], { env, cwd: tmpdir() })).trim();
  return value === '' || value === 'null' ? undefined : value;
}
