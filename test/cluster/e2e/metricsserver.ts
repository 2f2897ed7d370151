/** metrics-server's own release as a pod: its manifests and its program, in an image made here. */
import { mkdtemp, copyFile, chmod, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Cluster } from '../cluster.ts';
import { run } from '../command.ts';
import { type KubernetesObject, parseObjects } from '../registration.ts';
import { fitToCluster } from './podserver.ts';

const pins = path.resolve(import.meta.dirname, '../toolchain/metrics-server');
const image = 'registry.k8s.io/metrics-server/metrics-server';

/**
 * The objects of `components.yaml` of the release that the tests compare with, but for what the test cluster lacks.
 * @param overlay a folder of its manifests/overlays.
 */
export async function metricsServerRelease(
  cluster: Cluster,
  folder: string,
  overlay: 'release' | 'release-ha-1.21+' = 'release',
): Promise<KubernetesObject[]> {
  const version = /sigs\.k8s\.io\/metrics-server (v\S+)/.exec(readFileSync(path.join(pins, 'go.mod'), 'utf8'))?.[1];
  const rootfs = await mkdtemp(path.join(folder, 'metrics-server-'));
  await chmod(rootfs, 0o755);
  await copyFile(await cluster.metricsServer(), path.join(rootfs, 'metrics-server'));
  const config = { entrypoint: ['/metrics-server'], user: '1000' };
  await cluster.importImage({ rootfs, name: `${image}:${version}`, config });
  await rm(rootfs, { recursive: true });
  const source = (
    await run('go', ['list', '-m', '-f', '{{.Dir}}', 'sigs.k8s.io/metrics-server'], { cwd: pins })
  ).trim();
  const built = await cluster.kubectl(['kustomize', path.join(source, 'manifests/overlays', overlay)]);
  return fitToCluster(cluster, parseObjects(built));
}
