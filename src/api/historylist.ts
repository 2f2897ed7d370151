/** Lists with one item per point of the history: the parameter sinceSeconds. */
import { badRequest } from '../apimachinery/status.ts';
import type { HistoryRange } from '../history/history.ts';
import { selectHistory } from './historypage.ts';
import type { Pageable, PageRequest, Selector } from './page.ts';
import type { MetricsItem, MetricsList } from './types.ts';

/** The points that objects had. */
export interface ObjectHistory<O, U> {
  /** Returns the number of points. */
  count(object: O, range: HistoryRange): number;
  /** Returns the points, oldest first. */
  points(object: O, range: HistoryRange): readonly U[];
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
    for (const object of objects) yield history!.points(object, range).map((point) => toItem(object, point));
  }
}
