/** Builds what a user's kustomization of manifests/base and components is. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Cluster } from '../cluster.ts';
import { type KubernetesObject, parseObjects } from '../registration.ts';

const manifests = path.resolve(import.meta.dirname, '../../../manifests');

/** The files of a kustomization's configMapGenerator. */
export interface Generated {
  readonly configMapGenerator: readonly object[];
  /** Texts by name. */
  readonly files: Readonly<Record<string, string>>;
}

/** @param folder where the kustomization is written. @param patches as in a kustomization. */
export async function buildManifests(
  cluster: Cluster,
  folder: string,
  components: readonly string[],
  patches: readonly object[] = [],
  { configMapGenerator, files }: Generated = { configMapGenerator: [], files: {} },
): Promise<KubernetesObject[]> {
  const own = path.join(folder, ['base', ...components].join('-'));
  await mkdir(own, { recursive: true });
  const relative = (part: string) => path.relative(own, path.join(manifests, part));
  const kustomization = {
    resources: [relative('base')],
    components: components.map((component) => relative(`components/${component}`)),
    patches,
    configMapGenerator,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(own, name), text);
  await writeFile(path.join(own, 'kustomization.yaml'), JSON.stringify(kustomization));
  return parseObjects(await cluster.kubectl(['kustomize', own]));
}
