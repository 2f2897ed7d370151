/** Answers list and get from a source that is asked during the request. The in-memory form is reader.ts. */
import { requireKnownFields } from '../apimachinery/fields.ts';
import type { Labels } from '../apimachinery/labels.ts';
import { notFound, StatusError } from '../apimachinery/status.ts';
import type { UsageOf, UsageQuestion } from '../metricsource/usage.ts';
import { noSample } from './missing.ts';
import { type Pageable, pageable, pageOf } from './page.ts';
import type { ListSelection, ReaderRequest, ServedReader } from './resource.ts';
import { gathered, selection, sliced } from './slices.ts';
import type { MetricsItem, MetricsList } from './types.ts';

/** The objects that exist, and who is asked for their usage. */
export interface AskedObjects<O, U, T extends MetricsItem> {
  get(namespace: string, name: string): O | undefined;
  /** Sorted by namespace, then name. */
  list(namespace: string | undefined): readonly O[];
  /** The same objects; absent reads the list. */
  readonly pages?: Pageable<O> | undefined;
  ask(question: UsageQuestion<O>, signal: AbortSignal): Promise<UsageOf<O, U>>;
  toMetrics(object: O, usage: U, creationTimestampMs: number): T;
  readonly missingObject: string;
  readonly missingUsage: string;
}

interface AskedObject {
  readonly name: string;
  readonly namespace?: string;
  readonly labels: Labels;
}

/** @param now since the epoch. */
export function createAskingReader<O extends AskedObject, U, T extends MetricsItem>(
  source: AskedObjects<O, U, T>,
  { now }: { readonly now: () => number },
): ServedReader<T> {
  const pages = source.pages ?? pageable((namespace) => source.list(namespace));
  return { list, get };

  async function list(
    { namespace, labelSelector, fieldSelector, page, history }: ListSelection = {},
    { caller, signal, share }: ReaderRequest,
  ): Promise<MetricsList<T>> {
    if (fieldSelector !== undefined) requireKnownFields(fieldSelector);
    if (history !== undefined) throw noHistory();
    const selector = selection(labelSelector, fieldSelector);
    const selects = selector.cost > 0;
    const selected = (all: readonly O[]) => sliced(all, (object) => (selector.isSelected(object) ? object : undefined));
    const { objects, metadata } =
      page === undefined
        ? { objects: selects ? await gathered(selected(source.list(namespace)), share) : source.list(namespace) }
        : pageOf<O>(pages, namespace, page, selects ? selector : undefined);
    const listMetadata = metadata === undefined ? {} : { metadata };
    if (objects.length === 0) return { slices: [], ...listMetadata };
    const isWhole = page === undefined && !selects;
    const usageOf = await source.ask({ objects, isWhole, caller }, signal());
    const creationTimestampMs = now();
    const metricsOf = (object: O): T | undefined => {
      const usage = usageOf(object);
      return usage.kind === 'ready' ? source.toMetrics(object, usage.value, creationTimestampMs) : undefined;
    };
    return { slices: sliced(objects, metricsOf), ...listMetadata };
  }

  async function get(namespace: string, name: string, { caller, signal }: ReaderRequest): Promise<T> {
    const object = source.get(namespace, name);
    if (object === undefined) throw notFound({ group: '', resource: source.missingObject }, name);
    const usage = (await source.ask({ objects: [object], isWhole: false, caller }, signal()))(object);
    if (usage.kind === 'ready') return source.toMetrics(object, usage.value, now());
    throw noSample(source.missingUsage, namespace === '' ? name : `${namespace}/${name}`, usage.message);
  }
}

/** The cause's reason where usages, and their past, are Prometheus'. */
export const prometheusHistoryReason = 'HistoryInPrometheus';

function noHistory(): StatusError {
  const message = 'no history is kept with --resource-metrics=prometheus; query Prometheus for values of the past';
  const causes = [{ reason: prometheusHistoryReason, message, field: 'sinceSeconds' }];
  return new StatusError('BadRequest', `sinceSeconds: ${message}`, { details: { causes } });
}
