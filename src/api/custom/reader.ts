/** Reads the values of a custom metric: which objects are meant, and what the source has of them. */
import { untilAborted } from '../../abort.ts';
import type { LabelSelector } from '../../apimachinery/labels.ts';
import type { DescribedObjects, DescribedResource, Mapper } from '../../metricsource/described.ts';
import { metricKey } from '../../metricsource/combined.ts';
import type { Caller, CustomMetricSource, CustomQuestion, ObjectSample } from '../../metricsource/source.ts';
import { causesOf, metricNotFound } from '../../metricsource/metricnotfound.ts';
import { perList } from '../../metricsource/perlist.ts';
import { isObjectName } from '../objectname.ts';
import type { MetricValues } from './metricvalues.ts';

export interface CustomReaderOptions {
  readonly source: CustomMetricSource;
  readonly mapper: Mapper;
  readonly objects: DescribedObjects;
}

export interface CustomRequest {
  /** As the client wrote it: plural or singular, with or without its group. */
  readonly resource: string;
  /** Undefined for cluster-scoped objects, which Namespace objects are, too. */
  readonly namespace: string | undefined;
  /** `*` for all that the label selector matches. */
  readonly name: string;
  readonly metric: string;
  readonly labelSelector: LabelSelector;
  readonly metricSelector: LabelSelector;
  readonly caller: Caller;
}

export interface CustomReader {
  /** @throws StatusError NotFound for unknown metrics, for lists without objects, and for an object without a value. */
  read(request: CustomRequest, signal: AbortSignal): Promise<MetricValues>;
}

export function createCustomReader({ source, mapper, objects }: CustomReaderOptions): CustomReader {
  const isListed = createIndex(source);
  return { read };

  async function read(request: CustomRequest, signal: AbortSignal): Promise<MetricValues> {
    const { metric, metricSelector, caller, namespace = '' } = request;
    const resource = mapper.resourceFor(request.resource);
    const isOfScope = resource?.namespaced === (request.namespace !== undefined);
    if (resource === undefined || !isOfScope) throw metricNotFound(metric, request.resource);
    if (!isListed(resource, metric)) {
      throw metricNotFound(metric, request.resource, { causes: causesOf(source.absence?.(metric, resource)) });
    }
    const isNamed = request.name !== '*';
    const isPossible = request.namespace === undefined || isObjectName(namespace);
    if (isNamed && !(isPossible && isObjectName(request.name)))
      throw metricNotFound(metric, request.resource, { name: request.name });
    if (!isPossible) throw metricNotFound(metric, request.resource);
    // A named object is not looked up: its value may outlive it.
    const names = isNamed ? [request.name] : await namesOf(request, resource, signal);
    if (names.length === 0) throw metricNotFound(metric, request.resource);
    const question = { metric, resource, namespace, names, isNamed, metricSelector, caller };
    const samples = await samplesOf(request, question, signal);
    return { metric, metricSelector, resource, namespace, samples };
  }

  function namesOf(
    { namespace = '', labelSelector }: CustomRequest,
    resource: DescribedResource,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    return untilAborted(objects.names(resource, namespace, labelSelector, signal), signal);
  }

  async function samplesOf(
    request: CustomRequest,
    question: CustomQuestion,
    signal: AbortSignal,
  ): Promise<readonly ObjectSample[]> {
    const { samples, causes, pending } = await untilAborted(source.get(question, signal), signal);
    const byName = new Map(samples.map((sample) => [sample.name, sample]));
    const found = question.names.map((name) => byName.get(name)).filter((sample) => sample !== undefined);
    if (found.length > 0) return found;
    if (question.isNamed) {
      throw metricNotFound(request.metric, request.resource, { name: request.name, causes, pending });
    }
    // As prometheus-adapter: objects without values are an empty list, and no objects are a 404.
    if (pending !== undefined) throw metricNotFound(request.metric, request.resource, { causes, pending });
    return found;
  }
}

/** Returns a function that reports whether a metric is listed; its index follows the source's list. */
function createIndex(source: CustomMetricSource): (resource: DescribedResource, metric: string) => boolean {
  const keys = perList(source, (list) => new Set(list.map((each) => metricKey(each.resource, each.metric))));
  return (resource, metric) => keys().has(metricKey(resource, metric));
}
