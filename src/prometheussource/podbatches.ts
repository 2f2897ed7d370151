/** Which pods, nodes or other objects one query asks for. */
import type { AskedPod, UsageQuestion } from '../metricsource/usage.ts';
import { batchBytesLimit, batchNameLimit, bytesOf } from './namebatches.ts';

export interface PodsOfQuery {
  /** Sorted by namespace, then name. */
  readonly pods: readonly AskedPod[];
  readonly namespaces: readonly string[];
  /** Undefined for all pods of the namespaces. */
  readonly names: readonly string[] | undefined;
}

/**
 * whole: one query per namespace, whatever its length, as prometheus-adapter. cut: several where it would be too long.
 * joined: also for pods of several namespaces, and for all pods of a namespace without their names.
 */
export type QueryForm = 'whole' | 'cut' | 'joined';

/**
 * Yields the pods of each query; a step is the work of one query.
 * @param bytesLimit of names in one query.
 */
export function* podBatches(
  { objects, isWhole }: UsageQuestion<AskedPod>,
  form: QueryForm,
  bytesLimit = batchBytesLimit,
): Generator<PodsOfQuery> {
  if (form === 'joined' && isWhole) return yield* wholeNamespaces(objects, bytesLimit);
  if (form === 'joined') return yield* cut(objects, bytesLimit);
  for (const pods of byNamespace(objects)) {
    if (form === 'whole') yield batchOf(pods);
    else yield* cut(pods, bytesLimit);
  }
}

/**
 * Yields the names of each query.
 * @param bytesLimit of names in one query.
 */
export function* nameBatches(
  names: readonly string[],
  form: QueryForm,
  bytesLimit = batchBytesLimit,
): Generator<readonly string[]> {
  if (form === 'whole') return yield names;
  const pods = names.map((name) => ({ namespace: '', name, uid: '' }));
  for (const batch of cut(pods, bytesLimit)) yield batch.pods.map(({ name }) => name);
}

/** Joins whole namespaces; one that has too many pods for a query is cut. */
function* wholeNamespaces(objects: readonly AskedPod[], bytesLimit: number): Generator<PodsOfQuery> {
  let joined: AskedPod[] = [];
  let bytes = 0;
  for (const pods of byNamespace(objects)) {
    if (pods.length > batchNameLimit) {
      yield* cut(pods, bytesLimit);
      continue;
    }
    const more = bytesOf([pods[0]?.namespace ?? '']);
    if (joined.length + pods.length > batchNameLimit || bytes + more > bytesLimit) {
      yield shortened(batchOf(joined), bytesLimit);
      [joined, bytes] = [[], 0];
    }
    joined.push(...pods);
    bytes += more;
  }
  if (joined.length > 0) yield shortened(batchOf(joined), bytesLimit);
}

/** Cuts before a query would have too many pods, or too long names of pods and namespaces. */
function* cut(pods: readonly AskedPod[], bytesLimit: number): Generator<PodsOfQuery> {
  let batch: AskedPod[] = [];
  let names = new Set<string>();
  let bytes = 0;
  const bytesWith = ({ namespace, name }: AskedPod) => {
    const more = namespace === batch.at(-1)?.namespace ? 0 : bytesOf([namespace]);
    return bytes + more + (names.has(name) ? 0 : bytesOf([name]));
  };
  for (const pod of pods) {
    let withPod = bytesWith(pod);
    if (batch.length >= batchNameLimit || (batch.length > 0 && withPod > bytesLimit)) {
      yield batchOf(batch);
      [batch, names, bytes] = [[], new Set(), 0];
      withPod = bytesWith(pod);
    }
    bytes = withPod;
    batch.push(pod);
    names.add(pod.name);
  }
  if (batch.length > 0) yield batchOf(batch);
}

function* byNamespace(objects: readonly AskedPod[]): Generator<readonly AskedPod[]> {
  for (let start = 0; start < objects.length; ) {
    const namespace = objects[start]?.namespace;
    let end = start;
    while (end < objects.length && objects[end]?.namespace === namespace) end += 1;
    yield objects.slice(start, end);
    start = end;
  }
}

function batchOf(pods: readonly AskedPod[]): PodsOfQuery & { readonly names: readonly string[] } {
  const namespaces = [...new Set(pods.map(({ namespace }) => namespace))];
  return { pods, namespaces, names: [...new Set(pods.map(({ name }) => name))] };
}

/** Leaves out the names of whole namespaces where they are too long. */
function shortened(batch: ReturnType<typeof batchOf>, bytesLimit: number): PodsOfQuery {
  const bytes = bytesOf(batch.names) + bytesOf(batch.namespaces);
  return bytes > bytesLimit ? { ...batch, names: undefined } : batch;
}
