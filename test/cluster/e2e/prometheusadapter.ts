/** prometheus-adapter as guides install it: its manifests and its program, in an image made here, with kube-prometheus' names. */
import { chmod, copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { V1APIService, V1ConfigMap, V1Deployment } from '@kubernetes/client-node';
import type { Cluster } from '../cluster.ts';
import { run } from '../command.ts';
import { type KubernetesObject, parseObjects } from '../registration.ts';
import { build } from '../toolchain.ts';
import { fitToCluster } from './podserver.ts';
import { prometheusHost, prometheusUrl } from './prometheus.ts';

const pins = path.resolve(import.meta.dirname, '../toolchain/prometheus-adapter');
const module = 'sigs.k8s.io/prometheus-adapter';
export const adapterNamespace = 'monitoring';

/** As of kube-prometheus, which registers v1beta1 only. */
const registered = [
  ['custom.metrics.k8s.io', 'v1beta1'],
  ['external.metrics.k8s.io', 'v1beta1'],
] as const;

/** Objects that other manifests of the cluster have, or that it cannot use. */
const leftOut: ReadonlySet<string> = new Set(['v1beta1.metrics.k8s.io', 'system:aggregated-metrics-reader']);

/**
 * Returns the objects of `deploy/manifests` of the pinned release with these rules. Metrics of resources stay with the server that
 * the cluster has.
 */
export async function adapterRelease(
  cluster: Cluster,
  folder: string,
  rules: string,
): Promise<readonly KubernetesObject[]> {
  await importAdapter(cluster, folder);
  const source = (await run('go', ['list', '-m', '-f', '{{.Dir}}', module], { cwd: pins })).trim();
  const manifests = path.join(source, 'deploy/manifests');
  const files = (await readdir(manifests)).toSorted();
  const texts = await Promise.all(files.map((file) => readFile(path.join(manifests, file), 'utf8')));
  const objects = texts.flatMap(parseObjects).filter(({ metadata }) => !leftOut.has(metadata.name));
  return [
    ...fitToCluster(cluster, objects).map((object) => fit(object, cluster, rules)),
    ...registered.map(apiService),
  ];
}

/** Its image is distroless; the binary needs nothing. */
async function importAdapter(cluster: Cluster, folder: string): Promise<void> {
  const binary = path.join(await build(cluster.settings, 'prometheus-adapter'), 'adapter');
  const version = new RegExp(`${module} (v\\S+)`).exec(await readFile(path.join(pins, 'go.mod'), 'utf8'))?.[1];
  const rootfs = await mkdtemp(path.join(folder, 'prometheus-adapter-'));
  await chmod(rootfs, 0o755);
  await copyFile(binary, path.join(rootfs, 'adapter'));
  const name = `registry.k8s.io/prometheus-adapter/prometheus-adapter:${version}`;
  await cluster.importImage({ rootfs, name, config: { entrypoint: ['/adapter'], user: '65534:65534' } });
  await rm(rootfs, { recursive: true });
}

function fit(object: KubernetesObject, cluster: Cluster, rules: string): KubernetesObject {
  if (object.kind === 'ConfigMap')
    return { ...object, data: { 'config.yaml': rules } } as KubernetesObject & V1ConfigMap;
  if (object.kind !== 'Deployment') return object;
  const deployment = structuredClone(withPrometheus(object, cluster)) as KubernetesObject & V1Deployment;
  const spec = deployment.spec ?? { selector: {}, template: {} };
  // One node has room for one.
  spec.replicas = 1;
  const [container] = spec.template.spec?.containers ?? [];
  if (container === undefined) throw new Error('prometheus-adapter has no container');
  container.args =
    container.args?.map((arg) => (arg.startsWith('--prometheus-url=') ? `--prometheus-url=${prometheusUrl}` : arg)) ??
    [];
  // It is ready within a second; the manifests wait 30 s.
  for (const probe of [container.readinessProbe, container.livenessProbe]) if (probe) probe.initialDelaySeconds = 1;
  return deployment;
}

/** Returns a Deployment whose pods find Prometheus by the name that documents have: the cluster has no DNS. Other objects as they are. */
export function withPrometheus(object: KubernetesObject, cluster: Cluster): KubernetesObject {
  if (object.kind !== 'Deployment') return object;
  const deployment = structuredClone(object) as KubernetesObject & V1Deployment;
  const pod = deployment.spec?.template.spec;
  if (pod) pod.hostAliases = [{ ip: cluster.nodeIp, hostnames: [prometheusHost] }];
  return deployment;
}

function apiService([group, version]: readonly [string, string]): KubernetesObject & V1APIService {
  return {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: `${version}.${group}` },
    spec: {
      group,
      version,
      groupPriorityMinimum: 100,
      versionPriority: 100,
      insecureSkipTLSVerify: true,
      service: { name: 'prometheus-adapter', namespace: adapterNamespace },
    },
  };
}
