/** Answers list and get of PodMetrics: the pods that run, joined with what is known of their containers' usage. */
import { type FieldSelector, requireKnownFields } from '../apimachinery/fields.ts';
import type { Labels, LabelSelector } from '../apimachinery/labels.ts';
import { notFound } from '../apimachinery/status.ts';
import type { Answer, PodUsage } from '../sample/point.ts';
import { type NodeTrouble, noUsage } from './missing.ts';
import { selection, sliced } from './slices.ts';
import type { PodMetrics, PodMetricsList } from './types.ts';

interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** A static pod's config hash, by which kubelets know it in place of the UID. */
  readonly configHash: string | undefined;
  /** Its spec.nodeName. */
  readonly node: string | undefined;
  readonly labels: Labels;
}

/** The running pods of the cluster. */
interface PodReader {
  get(namespace: string, name: string): Pod | undefined;
  /** Those of one namespace or of all, sorted by namespace, then name. */
  list(namespace?: string): readonly Pod[];
}

/** The usage of pods. */
interface PodUsageReader {
  podUsage(pod: Omit<Pod, 'labels'>): Answer<PodUsage>;
}

export interface PodsApiOptions {
  readonly pods: PodReader;
  readonly usage: PodUsageReader;
  readonly troubleOf: NodeTrouble;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface PodListOptions {
  /** All namespaces where undefined. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: LabelSelector | undefined;
  readonly fieldSelector?: FieldSelector | undefined;
}

export interface PodsApi {
  /** Pods without usage are left out. Throws StatusError BadRequest for a field that pods do not have. */
  list(options?: PodListOptions): PodMetricsList;
  /** Throws StatusError NotFound with one text for a pod that does not run, and another, that says why, for one without usage. */
  get(namespace: string, name: string): PodMetrics;
}

export function createPodsApi({ pods, usage, troubleOf, now }: PodsApiOptions): PodsApi {
  return { list, get };

  function list({ namespace, labelSelector, fieldSelector }: PodListOptions = {}): PodMetricsList {
    if (fieldSelector !== undefined) requireKnownFields(fieldSelector);
    const creationTimestampMs = now();
    const isSelected = selection(labelSelector, fieldSelector);
    return { kind: 'PodMetricsList', slices: sliced(pods.list(namespace), metricsOf) };

    function metricsOf(pod: Pod): PodMetrics | undefined {
      if (!isSelected(pod)) return undefined;
      const answer = usage.podUsage(pod);
      return answer.kind === 'ready' ? toPodMetrics(pod, answer.value, creationTimestampMs) : undefined;
    }
  }

  function get(namespace: string, name: string): PodMetrics {
    const pod = pods.get(namespace, name);
    if (pod === undefined) throw notFound({ group: '', resource: 'pods' }, name);
    const answer = usage.podUsage(pod);
    if (answer.kind === 'missing') {
      throw noUsage('podmetrics', `${namespace}/${name}`, answer, troubleOf);
    }
    return toPodMetrics(pod, answer.value, now());
  }
}

function toPodMetrics(pod: Pod, usage: PodUsage, creationTimestampMs: number): PodMetrics {
  return {
    kind: 'PodMetrics',
    namespace: pod.namespace,
    name: pod.name,
    labels: pod.labels,
    creationTimestampMs,
    timestampMs: usage.timestampMs,
    windowMs: usage.windowMs,
    containers: usage.containers,
  };
}
