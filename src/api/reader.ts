/** Answers list and get: joins the objects that exist with their usage. */
import { requireKnownFields } from '../apimachinery/fields.ts';
import type { Labels } from '../apimachinery/labels.ts';
import { notFound } from '../apimachinery/status.ts';
import type { UsageOrReason } from '../sample/point.ts';
import { listHistory, type ObjectHistory } from './historylist.ts';
import { type NodeTrouble, noUsage } from './missing.ts';
import type { ListSelection, ResourceReader } from './resource.ts';
import { type Pageable, pageable, pageOf } from './page.ts';
import { selection, sliced } from './slices.ts';
import type { MetricsItem, MetricsList } from './types.ts';

export interface ResourceReaderOptions {
  readonly troubleOf: NodeTrouble;
  /** Since the epoch. */
  readonly now: () => number;
}

/** The measured objects, such as nodes or pods, and their usage. */
export interface ObjectSource<O, U, T extends MetricsItem> {
  get(namespace: string, name: string): O | undefined;
  /** Sorted by namespace, then name. */
  list(namespace: string | undefined): readonly O[];
  /** The same objects; absent reads the list. */
  readonly pages?: Pageable<O> | undefined;
  usageOf(object: O): UsageOrReason<U>;
  /** Absent without a history. */
  readonly history?: ObjectHistory<O, U> | undefined;
  toMetrics(object: O, usage: U, creationTimestampMs: number): T;
  readonly missingObject: string;
  readonly missingUsage: string;
}

interface Measured {
  readonly name: string;
  readonly namespace?: string;
  readonly labels: Labels;
}

export function createReader<O extends Measured, U, T extends MetricsItem>(
  source: ObjectSource<O, U, T>,
  { troubleOf, now }: ResourceReaderOptions,
): ResourceReader<T> {
  const pages = source.pages ?? pageable((namespace) => source.list(namespace));
  return { list, get };

  function list({ namespace, labelSelector, fieldSelector, page, history }: ListSelection = {}): MetricsList<T> {
    if (fieldSelector !== undefined) requireKnownFields(fieldSelector);
    const creationTimestampMs = now();
    const selector = selection(labelSelector, fieldSelector);
    if (history !== undefined) {
      const toItem = (object: O, usage: U) => source.toMetrics(object, usage, creationTimestampMs);
      return listHistory({ history: source.history, range: history, pages, namespace, page, selector, toItem });
    }
    if (page === undefined) return { slices: sliced(source.list(namespace), metricsOf) };
    const { objects, metadata } = pageOf<O>(pages, namespace, page, selector.cost > 0 ? selector : undefined);
    return { slices: sliced(objects, metricsOf), metadata };

    function metricsOf(object: O): T | undefined {
      if (!selector.isSelected(object)) return undefined;
      const usage = source.usageOf(object);
      return usage.kind === 'ready' ? source.toMetrics(object, usage.value, creationTimestampMs) : undefined;
    }
  }

  function get(namespace: string, name: string): T {
    const object = source.get(namespace, name);
    if (object === undefined) throw notFound({ group: '', resource: source.missingObject }, name);
    const usage = source.usageOf(object);
    if (usage.kind === 'missing') {
      throw noUsage(source.missingUsage, namespace === '' ? name : `${namespace}/${name}`, usage, troubleOf);
    }
    return source.toMetrics(object, usage.value, now());
  }
}
