/** Reads the usages of pods from metrics.k8s.io, whole or by namespace. */
import { field, items, text } from '../../client/json.ts';
import { mapLimited } from '../../client/limited.ts';
import { foreignText } from '../../foreigntext.ts';
import { type CheckContext, readable } from '../check.ts';
import { parseTimeMs } from '../times.ts';
import { UncheckedError } from '../uncheckederror.ts';
import type { PodFacts } from './podfacts.ts';

export const usagesPath = '/apis/metrics.k8s.io/v1beta1/pods';

/** Namespaces that are read one by one. */
const namespaceLimit = 2_000;
/** Characters of all their answers together: 20,000 pods are 13 MB, unless their namespaces have many more. */
const readLimit = 128 * 1024 * 1024;
/** As `api.text` limits each. */
const answerLimit = 16 * 1024 * 1024;
/** Requests at a time. */
const concurrency = 4;
/** Milliseconds. The check's deadline is 60 s, of which reading pods may take 35 s. */
const readingMs = 15_000;

export interface PodUsageTimes {
  /** By `namespace/name`, milliseconds since the epoch. */
  readonly usage: ReadonlyMap<string, number>;
  /** Namespaces whose usages were not read. */
  readonly unread: readonly string[];
}

/** Returns the times of all usages; undefined if there was no whole answer: it is too large, or takes too long. @throws UncheckedError. */
export async function readAllUsages({ api }: Pick<CheckContext, 'api'>): Promise<PodUsageTimes['usage'] | undefined> {
  const usage = new Map<string, number>();
  return (await readInto(usage, api, usagesPath)) === undefined ? undefined : usage;
}

/** Returns the times of usages in the pods' namespaces. Answers are not kept. @throws UncheckedError. */
export async function readUsagesByNamespace(
  { api, signal }: Pick<CheckContext, 'api' | 'signal'>,
  pods: readonly PodFacts[],
): Promise<PodUsageTimes> {
  const usage = new Map<string, number>();
  const namespaces = [...new Set(pods.map(({ namespace }) => namespace))];
  const endMs = performance.now() + readingMs;
  let characters = 0;
  const done = await mapLimited(namespaces.slice(0, namespaceLimit), concurrency, signal, async (namespace) => {
    if (characters > readLimit || performance.now() > endMs) return undefined;
    const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${encodeURIComponent(namespace)}/pods`;
    const length = await readInto(usage, api, path);
    // An answer that is too large was read up to its limit.
    characters += length ?? answerLimit;
    return length === undefined ? undefined : namespace;
  });
  const known = new Set(done);
  return { usage, unread: namespaces.filter((namespace) => !known.has(namespace)) };
}

/** Adds the times in one answer, and returns its characters; undefined if there was no whole answer. @throws UncheckedError. */
async function readInto(
  usage: Map<string, number>,
  api: CheckContext['api'],
  path: string,
): Promise<number | undefined> {
  const answer = await readable(api.text(path), undefined);
  if (answer === undefined) return undefined;
  const { status, text: body } = answer;
  if (status === 404) throw new UncheckedError(path, 'the API is not served');
  if (status !== 200) throw new UncheckedError(path, `usages cannot be read (${status}): ${foreignText(body)}`);
  for (const item of items(field(parse(path, body), 'items'))) {
    const metadata = field(item, 'metadata');
    const key = `${text(field(metadata, 'namespace')) ?? ''}/${text(field(metadata, 'name')) ?? ''}`;
    usage.set(key, parseTimeMs(field(item, 'timestamp')) ?? 0);
  }
  return body.length;
}

function parse(path: string, body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new UncheckedError(path, 'kube-apiserver gives no usable answer: it is not JSON', { cause });
  }
}
