/** manifests/base in the cluster, fitted to a server that runs as a process. */
import path from 'node:path';
import type { Cluster } from '../cluster.ts';
import { type KubernetesObject, outsidePod, parseObjects, toList } from '../registration.ts';
import type { Program } from './server.ts';

export interface Registration {
  /** All of manifests/base, unchanged. */
  readonly base: readonly KubernetesObject[];
  /** Rights, Service, EndpointSlice and APIServices. */
  add(): Promise<void>;
  /** Reports whether they are there. */
  isAdded(): boolean;
  /** Resolves when kube-apiserver says so of every version. */
  available(): Promise<void>;
  /** Nothing of it is left, nor of the base. */
  remove(): Promise<void>;
}

const manifests = path.resolve(import.meta.dirname, '../../../manifests/base');

export async function createRegistration(cluster: Cluster, program: Program, port: number): Promise<Registration> {
  const base = parseObjects(await cluster.kubectl(['kustomize', manifests]));
  const objects = outsidePod(base, cluster.nodeIp, port);
  const versions: readonly string[] = program.versions;
  const served = objects.filter(
    ({ kind, metadata }) =>
      kind !== 'APIService' || versions.some((version) => metadata.name.startsWith(`${version}.`)),
  );
  let isThere = false;
  return { base, add, isAdded: () => isThere, available, remove };

  async function add(): Promise<void> {
    isThere = true;
    await cluster.kubectl(['apply', '-f', '-'], { input: toList(served) });
  }

  async function available(): Promise<void> {
    const names = versions.map((version) => `apiservice/${version}.metrics.k8s.io`);
    await cluster.kubectl(['wait', '--for=condition=Available', '--timeout=120s', ...names], { timeoutMs: 130_000 });
  }

  async function remove(): Promise<void> {
    isThere = false;
    await removeObjects(cluster, [...objects, ...base.filter(({ kind }) => kind === 'Deployment')]);
  }
}

/** Reports whether the objects have one of this kind, namespace and name. */
export function isAmong({ kind, metadata }: KubernetesObject, objects: readonly KubernetesObject[]): boolean {
  return objects.some(
    (other) =>
      other.kind === kind && other.metadata.name === metadata.name && other.metadata.namespace === metadata.namespace,
  );
}

/** Deletes those of the objects that are there, APIServices first: one without a server behind it holds up everything that asks for discovery. */
export async function removeObjects(cluster: Cluster, objects: readonly KubernetesObject[]): Promise<void> {
  const order = objects.toSorted((a, b) => Number(b.kind === 'APIService') - Number(a.kind === 'APIService'));
  await cluster.kubectl(['delete', '--ignore-not-found', '--timeout=60s', '-f', '-'], { input: toList(order) });
}

/** Deletes the APIServices of components that a run which was killed has left. */
export async function removeApiServices(cluster: Cluster): Promise<void> {
  await cluster.kubectl(['delete', 'apiservices', '--selector=k8s-app=metrics-server', '--timeout=60s']);
}
