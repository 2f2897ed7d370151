/** The facts about one autoscaler and its target. */
import type { PodFacts } from '../pods/podfacts.ts';
import { command } from '../remedy.ts';
import type { Autoscaler } from './autoscaler.ts';

export interface AutoscalerFacts {
  readonly autoscaler: Autoscaler;
  /** Other autoscalers of its namespace: at least those of its target. */
  readonly others: readonly Autoscaler[];
  /** Names of all objects of the target's kind in the namespace; undefined if they were not read. */
  readonly targetNames: readonly string[] | undefined;
  /** The selector of the target's scale; undefined if it was not read. */
  readonly selector: string | undefined;
  /** Pods that the selector of the target's scale matches; undefined if they were not read. */
  readonly pods: readonly PodFacts[] | undefined;
  /** Times of the usages served for the namespace's pods, milliseconds since the epoch; undefined if not read. */
  readonly usage: ReadonlyMap<string, number> | undefined;
  /** Whether metrics.k8s.io comes from Prometheus, which has a usage of new pods later. Default: false. */
  readonly servesPrometheus?: boolean;
  readonly nowMs: number;
}

interface BuiltInTarget {
  readonly apiVersion: string;
  readonly resource: string;
}

/** Kinds whose API group every cluster has. */
const builtInTargets: Readonly<Record<string, BuiltInTarget>> = {
  Deployment: { apiVersion: 'apps/v1', resource: 'deployments' },
  StatefulSet: { apiVersion: 'apps/v1', resource: 'statefulsets' },
  ReplicaSet: { apiVersion: 'apps/v1', resource: 'replicasets' },
  ReplicationController: { apiVersion: 'v1', resource: 'replicationcontrollers' },
};

/** Returns the group of an apiVersion; the core group is empty. */
export function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
}

/** Groups by which authors mean a built-in kind: Kubernetes 1.16 has moved extensions to apps. */
const meantGroups: readonly string[] = ['', 'extensions'];

/** Returns undefined for a kind of another API with the same name, such as a StatefulSet of apps.kruise.io. */
export function builtInTargetOf({ apiVersion, kind }: Autoscaler['target']): BuiltInTarget | undefined {
  const builtIn = Object.hasOwn(builtInTargets, kind) ? builtInTargets[kind] : undefined;
  const group = groupOf(apiVersion);
  const isMeant = builtIn !== undefined && [groupOf(builtIn.apiVersion), ...meantGroups].includes(group);
  return isMeant ? builtIn : undefined;
}

/** Reports whether two autoscalers of one namespace scale the same object, by whatever version of its API. */
export function haveSameTarget({ target: a }: Autoscaler, { target: b }: Autoscaler): boolean {
  if (a.kind !== b.kind || a.name !== b.name) return false;
  const builtIn = builtInTargetOf(a);
  return builtIn === undefined ? groupOf(a.apiVersion) === groupOf(b.apiVersion) : builtIn === builtInTargetOf(b);
}

/** Returns kubectl's word for the target, such as `deployment/web` or `statefulset.apps.kruise.io/web`. */
export function targetWord({ target }: Autoscaler): string {
  const { apiVersion, kind, name } = target;
  const group = groupOf(apiVersion);
  const isBuiltIn = builtInTargetOf(target) !== undefined || group === '';
  // kube-apiserver lets a kind be `--server=example`, which kubectl would read as a flag.
  const word = kind.toLowerCase().replace(/^-+/, '');
  return `${word}${isBuiltIn ? '' : `.${group}`}/${name}`;
}

/** Returns a kubectl command in the autoscaler's namespace. */
export function inNamespace({ namespace }: Autoscaler, ...words: readonly string[]): string {
  return command('kubectl', '--namespace', namespace, ...words);
}
