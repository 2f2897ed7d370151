/** Makes an OCI image of a folder and imports it into containerd: no registry and no container tool is needed. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type CommandOptions, run } from './command.ts';
import type { ClusterRecord, Settings } from './settings.ts';

export interface ImageSource {
  /** The folder that becomes /, with its modes; every owner becomes root. The folder's own mode becomes that of /. */
  readonly rootfs: string;
  /** The full name with registry and tag, as a pod says it, for example localhost/kubegauge/busybox:1. */
  readonly name: string;
  readonly config: ImageConfig;
}

export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly cmd?: readonly string[];
  /** NAME=value. */
  readonly env?: readonly string[];
  /** uid or uid:gid; root when not given. */
  readonly user?: string;
  readonly workdir?: string;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** After this a pod with imagePullPolicy Never can use the image. Importing another image of the same name replaces it. */
export async function importImage(settings: Settings, record: ClusterRecord, source: ImageSource): Promise<void> {
  const folder = await mkdtemp(path.join(settings.runFolder, 'image-'));
  try {
    await importArchive(settings, record, await writeArchive(folder, source));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Imports an OCI archive that is there already. */
export async function importArchive(settings: Settings, record: ClusterRecord, archive: string): Promise<void> {
  await ctrImages(settings, record, ['import', archive], { timeoutMs: 300_000 });
}

/** Gives an image that is there a second name; one that has it already loses it. */
export async function tagImage(settings: Settings, record: ClusterRecord, name: string, other: string): Promise<void> {
  await ctrImages(settings, record, ['tag', '--force', name, other]);
}

async function ctrImages(
  settings: Settings,
  record: ClusterRecord,
  args: readonly string[],
  options?: CommandOptions,
): Promise<void> {
  const address = ['--address', settings.containerdSocket, '--namespace', 'k8s.io'];
  await run(path.join(record.containerdBin, 'ctr'), [...address, 'images', ...args], options);
}

/** An OCI image layout in one tar file: one uncompressed layer, whose digest is then also its diff id. */
async function writeArchive(folder: string, source: ImageSource): Promise<string> {
  const layout = path.join(folder, 'layout');
  await mkdir(path.join(layout, 'blobs/sha256'), { recursive: true });
  const layerTar = path.join(folder, 'layer.tar');
  await tar(source.rootfs, layerTar);
  const layer = await addBlob(layout, 'application/vnd.oci.image.layer.v1.tar', layerTar);
  const config = await addJson(layout, folder, 'application/vnd.oci.image.config.v1+json', {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: {
      Entrypoint: source.config.entrypoint,
      Cmd: source.config.cmd ?? [],
      Env: source.config.env ?? ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      User: source.config.user ?? '',
      WorkingDir: source.config.workdir ?? '/',
    },
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  });
  const manifest = await addJson(layout, folder, 'application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config,
    layers: [layer],
  });
  await writeFile(path.join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  await writeFile(
    path.join(layout, 'index.json'),
    JSON.stringify({
      schemaVersion: 2,
      manifests: [{ ...manifest, annotations: { 'io.containerd.image.name': source.name } }],
    }),
  );
  const archive = path.join(folder, 'image.tar');
  await tar(layout, archive);
  return archive;
}

async function addJson(layout: string, folder: string, mediaType: string, content: unknown): Promise<Descriptor> {
  const file = path.join(folder, 'blob.json');
  await writeFile(file, JSON.stringify(content));
  return addBlob(layout, mediaType, file);
}

/** Moves a file to where its digest says. */
async function addBlob(layout: string, mediaType: string, file: string): Promise<Descriptor> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const hex = hash.digest('hex');
  const { size } = await stat(file);
  await rename(file, path.join(layout, 'blobs/sha256', hex));
  return { mediaType, digest: `sha256:${hex}`, size };
}

async function tar(folder: string, file: string): Promise<void> {
  const sameEveryTime = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  await run('tar', [...sameEveryTime, '-C', folder, '-cf', file, '.'], { timeoutMs: 300_000 });
}
