/** Explains why an object has no value of a metric. The texts are for people who look at an autoscaler that does not scale. */
import type { StatusCause } from '../apimachinery/meta.ts';
import { longestWarmUpMs } from '../storage/warmup.ts';
import { cgroupsOf, type KubeletMetric } from './catalogue.ts';
import type { NumberOrReason } from './seriesstore.ts';

type StoreReason = Exclude<NumberOrReason, object>;

export type NoNumberReason = StoreReason | 'unknown pod' | 'no pods' | 'host network' | 'too large';

/** Why one object has no value. */
export interface NoValue {
  readonly reason: NoNumberReason;
  /** Undefined if it is not known. */
  readonly node?: string | undefined;
}

/** Milliseconds. cAdvisor's samples are up to 30 s apart. */
const leastFirstSamplesMs = 90_000;

/** Returns the milliseconds for which a newly wanted metric may lack its first two samples. */
export function firstSamplesMs(resolutionMs: number): number {
  return Math.max(leastFirstSamplesMs, longestWarmUpMs(resolutionMs));
}

const codes: Readonly<Record<NoNumberReason, string>> = {
  absent: 'NoSuchSeries',
  waiting: 'FirstSamples',
  stale: 'Stale',
  'not scraped': 'NotScraped',
  'resource endpoint': 'ResourceEndpoint',
  refused: 'SeriesRefused',
  'unknown pod': 'UnknownPod',
  'no pods': 'NoPods',
  'host network': 'HostNetwork',
  'too large': 'TooLarge',
};

/** @param isNew whether the metric is wanted for less than `firstSamplesMs`. */
export function explain(metric: KubeletMetric, { reason, node }: NoValue, isNew: boolean): StatusCause {
  if (isNew && isFirstAwaited(reason)) return { reason: 'FromNextSamples', message: fromNextSamples };
  return { reason: codes[reason], message: textOf(metric, reason, node === undefined ? 'its node' : `node ${node}`) };
}

/** Reports whether the first samples of a metric are still to come, if it is newly wanted. */
export function isFirstAwaited(reason: NoNumberReason): boolean {
  return reason === 'waiting' || reason === 'not scraped';
}

/** A first request begins the scrapes of its metric. */
const fromNextSamples =
  'kubelets are asked for it since it is wanted, and it is served from the next samples on; try again in half a minute';

function textOf(metric: KubeletMetric, reason: NoNumberReason, node: string): string {
  switch (reason) {
    case 'absent':
      return metric.absent;
    case 'waiting':
      return `the second sample that it needs is still to come from ${node}`;
    case 'stale':
      return `${node} has sent no new sample for too long; /status says how its last scrapes ended`;
    case 'not scraped':
      return `${node} has not been scraped for it yet; /status says how its last scrapes ended`;
    case 'resource endpoint':
      return `${node} is read from /metrics/resource, which has CPU and memory only; /status says why`;
    case 'refused':
      return `the series of ${node} were not whole or above a limit, and are not served`;
    case 'unknown pod':
      return 'there is no running pod of that name';
    case 'no pods':
      return 'the namespace has no running pod with a value';
    case 'host network':
      return "the pod uses the node's network (spec.hostNetwork), so the kubelet counts the traffic of the whole node";
    case 'too large':
      return 'the number is too large for a quantity in thousandths';
  }
}

/** Reports whether a pod with the node's network has no such metric of its own. */
export function isOfNetwork(metric: KubeletMetric): boolean {
  return cgroupsOf(metric) === 'sandbox';
}
