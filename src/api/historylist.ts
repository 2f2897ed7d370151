/** Lists with one item per point of the history: the parameter sinceSeconds. */
import { badRequest } from '../apimachinery/status.ts';
import type { Labels } from '../apimachinery/labels.ts';
import type { HistoryRange } from '../history/history.ts';
import type { PointOrigin } from '../history/points.ts';
import type { Source } from '../sample/point.ts';
import { selectHistory } from './historypage.ts';
import type { Pageable, PageRequest, Selector } from './page.ts';
import type { MetricsItem, MetricsList } from './types.ts';

/** The points that objects had. */
export interface ObjectHistory<O, U> {
  /** Returns the number of points. */
  count(object: O, range: HistoryRange): number;
  /** Returns the points, oldest first. */
  points(object: O, range: HistoryRange): readonly (U & PointOrigin)[];
}

export interface HistoryListOptions<O, U, T> {
  /** Undefined if none is kept. */
  readonly history: ObjectHistory<O, U> | undefined;
  readonly range: HistoryRange;
  readonly pages: Pageable<O>;
  readonly namespace: string | undefined;
  readonly page: PageRequest | undefined;
  readonly selector: Selector<O>;
  readonly toItem: (object: O, point: U) => T;
}

/** Annotates an item of the history with the kubelet endpoint that its last sample is of, in the words of `/status`. */
export const sourceAnnotation = 'kubegauge.io/source';

const annotationsBySource: Readonly<Record<Source, Labels>> = {
  cadvisor: new Map([[sourceAnnotation, 'cadvisor']]),
  resource: new Map([[sourceAnnotation, 'resource']]),
};

function withOrigin<T extends MetricsItem>(item: T, { source }: PointOrigin): T {
  return source === undefined ? item : { ...item, annotations: annotationsBySource[source] };
}

/** @throws StatusError BadRequest without a history, or for more points than one answer has. */
export function listHistory<O extends { readonly name: string }, U, T extends MetricsItem>({
  history,
  range,
  pages,
  namespace,
  page,
  selector,
  toItem,
}: HistoryListOptions<O, U, T>): MetricsList<T> {
  if (history === undefined) throw badRequest('sinceSeconds: this server keeps no history (--history=0)');
  const { objects, metadata } = selectHistory(pages.behind(page?.after, namespace), page?.limit, selector, (object) =>
    history.count(object, range),
  );
  return { slices: { [Symbol.iterator]: slices }, ...(metadata && { metadata }) };

  /** Yields one object's points at a time. */
  function* slices(): Generator<readonly T[], void, void> {
    for (const object of objects) {
      yield history!.points(object, range).map((point) => withOrigin(toItem(object, point), point));
    }
  }
}
