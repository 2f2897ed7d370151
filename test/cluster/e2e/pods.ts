/** Pods for tests, made of busybox and a line of shell. */
import type { V1Container, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import type { Cluster } from '../cluster.ts';
import { waitFor } from '../wait.ts';

export interface Script {
  /** Script for sh. */
  readonly script: string;
  readonly requests?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, string>>;
}

/** The folder that every container shares with its pod's others: memory, not disk. */
export const memoryFolder = '/memory';

export function podSpec(cluster: Cluster, containers: Readonly<Record<string, Script>>): V1PodSpec {
  return {
    // A shell that is process 1 does not end at SIGTERM, and the default is 30 s.
    terminationGracePeriodSeconds: 1,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    containers: Object.entries(containers).map(([name, script]) => container(cluster, name, script)),
    volumes: [{ name: 'memory', emptyDir: { medium: 'Memory' } }],
  };
}

export function container(cluster: Cluster, name: string, { script, requests, limits }: Script): V1Container {
  return {
    name,
    image: cluster.images.busybox,
    imagePullPolicy: 'Never',
    args: ['-c', script],
    resources: { ...(requests && { requests }), ...(limits && { limits }) },
    volumeMounts: [{ name: 'memory', mountPath: memoryFolder }],
  };
}

export function pod(
  cluster: Cluster,
  namespace: string,
  name: string,
  containers: Readonly<Record<string, Script>>,
  labels: Record<string, string> = {},
): V1Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: podSpec(cluster, containers),
  };
}

export async function apply(cluster: Cluster, objects: readonly object[]): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(list) });
}

/** On an idle machine ten pods take some seconds; on one that is busy with other work, a minute. */
const readyTimeoutMs = 150_000;

/** Resolves when all that the selector finds, at least one, are Ready. */
export async function podsReady(cluster: Cluster, namespace: string, selector?: string): Promise<void> {
  const which = selector === undefined ? ['--all'] : [`--selector=${selector}`];
  await waitFor(
    `pods in ${namespace} to be Ready`,
    () =>
      cluster.kubectl(
        ['wait', 'pods', ...which, '--for=condition=Ready', '--timeout=60s', `--namespace=${namespace}`],
        { timeoutMs: 70_000 },
      ),
    readyTimeoutMs,
  );
}

/** One field of one object, by jsonpath. */
export function fieldOf(cluster: Cluster, namespace: string, object: string, jsonpath: string): Promise<string> {
  return cluster.kubectl(['get', object, `--namespace=${namespace}`, '-o', `jsonpath=${jsonpath}`]);
}
