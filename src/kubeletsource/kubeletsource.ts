/** Serves custom metrics of pods, namespaces and nodes from kubelets, without Prometheus. */
import type { Labels } from '../apimachinery/labels.ts';
import type { StatusCause } from '../apimachinery/meta.ts';
import { fullName } from '../apimachinery/status.ts';
import type { PodLister } from '../cluster/pods.ts';
import { metricNotFound } from '../metricsource/metricnotfound.ts';
import { milliOf } from '../metricsource/milli.ts';
import type {
  CustomAnswer,
  CustomMetric,
  CustomMetricSource,
  CustomQuestion,
  ObjectSample,
  SourceReport,
} from '../metricsource/source.ts';
import { familiesOf } from '../sample/seriescolumns.ts';
import { catalogue, hasWindow, type KubeletMetric, metricNamed } from './catalogue.ts';
import type { Demand } from './demand.ts';
import type { MetricNumber } from './metricvalue.ts';
import { explain, firstSamplesMs, type NoValue } from './nonumber.ts';
import { createObjectNumbers, describedBy } from './objectnumbers.ts';
import type { SeriesStore } from './seriesstore.ts';

export interface KubeletSource extends CustomMetricSource {
  reports(): readonly SourceReport[];
}

export interface KubeletSourceOptions {
  readonly demand: Demand;
  readonly store: SeriesStore;
  readonly pods: Pick<PodLister, 'get' | 'list'>;
  /** As `Scraper.bringForward`. */
  readonly bringForward: (node: string) => void;
  readonly resolutionMs: number;
}

/** Nodes that the first request for a metric scrapes at once; others come with their wave. */
const bringForwardLimit = 100;

const noLabels: Labels = new Map();

/** Every metric, wanted or not: an autoscaler can only want what discovery lists. */
const listed: readonly CustomMetric[] = catalogue.flatMap((metric) =>
  describedBy(metric).map((resource) => ({
    resource: { group: '', resource },
    namespaced: resource === 'pods',
    metric: metric.name,
  })),
);

export function createKubeletSource(options: KubeletSourceOptions): KubeletSource {
  const { demand, store, pods, bringForward } = options;
  const newForMs = firstSamplesMs(options.resolutionMs);
  const isNew = (metric: KubeletMetric) => demand.wantedForMs(metric) < newForMs;
  const numbers = createObjectNumbers(store, pods, isNew);
  return { list: () => listed, get: async (question) => answer(question), reports };

  function answer(question: CustomQuestion): CustomAnswer {
    const { resource, namespace, names, metricSelector } = question;
    const metric = resource.group === '' ? metricNamed(question.metric) : undefined;
    const described = metric && describedBy(metric).find((each) => each === resource.resource);
    if (metric === undefined || described === undefined) {
      throw metricNotFound(question.metric, fullName(resource));
    }
    // An autoscaler may have made it wanted a moment ago.
    if (!demand.requested(metric) && isNew(metric)) {
      for (const node of numbers.nodesOf(described, namespace, names, bringForwardLimit)) bringForward(node);
    }
    if (!metricSelector.matches(noLabels)) return nothing([unlabelled]);
    const samples: ObjectSample[] = [];
    const missing: NoValue[] = [];
    for (const name of names) {
      const number = numbers.of(metric, described, namespace, name);
      const sample = 'reason' in number ? undefined : sampleOf(metric, name, number);
      if (sample !== undefined) samples.push(sample);
      else missing.push('reason' in number ? number : { reason: 'too large' });
    }
    if (samples.length > 0) return { samples };
    const isFirst = isNew(metric);
    return nothing(missing.map((each) => explain(metric, each, isFirst)));
  }

  function reports(): readonly SourceReport[] {
    const { refused } = store.counts();
    const lastError = refused === 0 ? undefined : `the series of ${refused} nodes are not whole or above a limit`;
    const lastScrapes = store.lastScrapes();
    return demand.metrics().map((metric) => ({
      source: 'kubelet',
      rule: `${metric.name}, wanted by ${wantedBy[demand.reasonOf(metric) ?? 'request']}`,
      metrics: describedBy(metric).length,
      lastSuccessMs: lastScrapes.get(metric.name),
      lastError,
      query: familiesOf(metric.columns).join(' '),
    }));
  }
}

const wantedBy = { flag: 'a flag', autoscaler: 'an autoscaler', request: 'a request' } as const;

const unlabelled: StatusCause = {
  reason: 'NoLabels',
  message: 'metrics from kubelets have no labels that a metric selector could match',
};

/** Also of lists, so that the autoscaler shows why. */
function nothing(causes: readonly StatusCause[]): CustomAnswer {
  const counts = new Map<string, number>();
  for (const { message = '' } of causes) counts.set(message, (counts.get(message) ?? 0) + 1);
  const [first] = [...counts].sort(([, a], [, b]) => b - a);
  if (first === undefined) return { samples: [] };
  const [text, count] = first;
  const pending = counts.size === 1 ? text : `${text} (so it is for ${count} of ${causes.length})`;
  return { samples: [], causes: causes.slice(0, causeLimit), pending };
}

/** Causes in one answer. */
const causeLimit = 10;

function sampleOf(
  metric: KubeletMetric,
  name: string,
  { value, timestampMs, windowMs }: MetricNumber,
): ObjectSample | undefined {
  const valueMilli = milliOf(value);
  if (valueMilli === undefined) return undefined;
  const window = hasWindow(metric) ? { windowSeconds: Math.max(1, Math.round(windowMs / 1000)) } : {};
  return { name, timestampMs, valueMilli, ...window };
}
