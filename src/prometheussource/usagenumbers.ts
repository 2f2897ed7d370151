/** From samples of CPU and memory to usages. */
import { excerpt } from '../apimachinery/quote.ts';
import type { AskedPod, AskedUsage } from '../metricsource/usage.ts';
import type { PromqlSample } from '../promql/answer.ts';
import { canBeName, type PodUsage, type Usage } from '../sample/point.ts';
import { combineUsages } from '../storage/rate.ts';
import { type LeftOutReason, measure } from './measured.ts';

/** Reports whether a container ended for good; undefined for an unknown pod. */
export type ContainerHasEnded = (pod: AskedPod, container: string) => boolean | undefined;

export type UsageKind = 'cpu' | 'memory';

type UsageNumber =
  | { readonly kind: 'number'; readonly value: number; readonly timestampMs: number }
  | { readonly kind: 'left out'; readonly reason: LeftOutReason; readonly message: string };

/** The samples of one node or container, by kind. */
type Samples = { [Kind in UsageKind]?: PromqlSample | undefined };

const noun: Readonly<Record<UsageKind, string>> = { cpu: 'CPU', memory: 'memory' };
const nanocoresPerMilli = 1_000_000;

/**
 * Converts as prometheus-adapter: thousandths, truncated, and 0 for negative numbers, which `1 - rate(idle)` makes of
 * an idle node. Memory is whole bytes here.
 */
function numberOf(kind: UsageKind, sample: PromqlSample): UsageNumber {
  const measured = measure(sample);
  if (measured.kind === 'left out') return measured;
  const { valueMilli, timestampMs } = measured.sample;
  const milli = valueMilli < 0n ? 0n : valueMilli;
  const value = kind === 'cpu' ? Number(milli) * nanocoresPerMilli : Number(milli / 1_000n);
  if (Number.isSafeInteger(value)) return { kind: 'number', value, timestampMs };
  return { kind: 'left out', reason: 'too-large', message: `the sample ${sample.value} is too large` };
}

/** Called with each sample that makes no number. */
export type OnLeftOut = (kind: UsageKind, reason: LeftOutReason, message: string) => void;

/**
 * Returns the usage of one node or container. Both samples are needed: a missing one as 0 would make an autoscaler scale
 * to the minimum.
 */
export function usageOf({ cpu, memory }: Samples, windowMs: number, onLeftOut: OnLeftOut): AskedUsage<Usage> {
  const numbers: number[] = [];
  let oldestMs = Infinity;
  for (const [kind, sample] of [['cpu', cpu] as const, ['memory', memory] as const]) {
    if (sample === undefined) return { kind: 'missing', message: `Prometheus has no sample of its ${noun[kind]}` };
    const found = numberOf(kind, sample);
    if (found.kind === 'left out') {
      onLeftOut(kind, found.reason, found.message);
      return { kind: 'missing', message: `no ${noun[kind]} is served for it: ${found.message}` };
    }
    numbers.push(found.value);
    oldestMs = Math.min(oldestMs, found.timestampMs);
  }
  const [cpuNanocores = 0, memoryBytes = 0] = numbers;
  return { kind: 'ready', value: { timestampMs: oldestMs, windowMs, cpuNanocores, memoryBytes } };
}

/** The samples of containers by pod. Of several of one container, the last one counts, as in prometheus-adapter. */
export class PodSamples {
  readonly #pods: ReadonlyMap<string, Map<string, Samples>>;
  /** False once an answer was partial. */
  isWhole = true;

  /** @param pods whose samples are kept: others may no longer exist. */
  constructor(pods: readonly AskedPod[]) {
    this.#pods = new Map(pods.map(({ namespace, name }) => [`${namespace}/${name}`, new Map<string, Samples>()]));
  }

  /** Samples without a container are dropped: those of a pod's own cgroup are the sum of its containers. */
  add(kind: UsageKind, { namespace = '', pod = '', container = '' }: SamplePlace, sample: PromqlSample): void {
    const containers = this.#pods.get(`${namespace}/${pod}`);
    if (containers === undefined || container === '' || !canBeName(container)) return;
    const known = containers.get(container);
    if (known === undefined) containers.set(container, { [kind]: sample });
    else known[kind] = sample;
  }

  /** Returns the pod's usage: all of its containers, or none. */
  usageOf(pod: AskedPod, windowMs: number, hasEnded: ContainerHasEnded, onLeftOut: OnLeftOut): AskedUsage<PodUsage> {
    const containers: (Usage & { readonly name: string })[] = [];
    for (const [name, samples] of this.#pods.get(`${pod.namespace}/${pod.name}`) ?? []) {
      if (hasEnded(pod, name) === true) continue;
      const usage = usageOf(samples, windowMs, onLeftOut);
      if (usage.kind === 'missing') {
        return { kind: 'missing', message: `container ${excerpt(name)}: ${usage.message}` };
      }
      containers.push({ name, ...usage.value });
    }
    if (containers.length === 0) return { kind: 'missing', message: 'Prometheus has no sample of its containers' };
    return { kind: 'ready', value: combineUsages(containers) };
  }
}

/** Labels of a sample. */
export interface SamplePlace {
  readonly namespace?: string | undefined;
  readonly pod?: string | undefined;
  readonly container?: string | undefined;
}
