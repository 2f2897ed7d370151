/** Reads what no server keeps, once per interval while the program runs: values of autoscalers, and usage where the server has no history. */
import type { Clock } from '../clock.ts';
import type { OpenClusterView } from '../view/clusterview.ts';
import type { ClusterSummaryView, PointView } from '../view/types.ts';
import { ViewError } from '../view/viewerror.ts';
import { AutoscalerLog } from './autoscalerlog.ts';
import { historySeconds, refreshSeconds, usageSeriesLimit } from './limits.ts';
import type { HistoryExtent } from './routes.ts';
import { UsageLog } from './usagelog.ts';

/** What the page and the collector read. */
export type UiView = Omit<OpenClusterView, typeof Symbol.asyncDispose | 'requestsRead'>;

export interface CollectorOptions {
  readonly view: UiView;
  readonly clock: Clock;
  /** Takes what is no ViewError, which should not be. */
  readonly onFailure: (error: unknown) => void;
}

export class UiCollector {
  readonly autoscalers = new AutoscalerLog();
  readonly nodes = new UsageLog();
  readonly containers = new UsageLog();
  readonly #view: UiView;
  readonly #clock: Clock;
  readonly #onFailure: (error: unknown) => void;
  /** Why containers of other namespaces, or of all, are not collected; undefined if all are. */
  #omitted: { readonly reason: string; readonly only: string | undefined } | undefined;

  constructor({ view, clock, onFailure }: CollectorOptions) {
    this.#view = view;
    this.#clock = clock;
    this.#onFailure = onFailure;
  }

  /** Collects until the signal aborts. A read that fails leaves a gap. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.collect();
      await this.#clock.sleep(refreshSeconds * 1000, signal).catch(() => undefined);
    }
  }

  /** Reads once. */
  async collect(): Promise<void> {
    const { autoscalers } = this;
    const values = this.#view.unexplainedAutoscalers().then((read) => autoscalers.add(read, this.#view.nowMs()));
    const usage = this.#view.summary().then((summary) => this.#collectUsage(summary));
    await this.#settle(values, usage);
  }

  /** Returns why containers of a namespace are not collected, as one sentence; undefined if they are. */
  omissionOf(namespace: string): string | undefined {
    return this.#omitted?.only === namespace ? undefined : this.#omitted?.reason;
  }

  extentOf({ keepsHistory }: ClusterSummaryView): HistoryExtent {
    if (keepsHistory === undefined) return { seconds: historySeconds, keptBy: 'unknown' };
    if (keepsHistory) return { seconds: historySeconds, keptBy: 'server' };
    return { seconds: historySeconds, keptBy: 'ui', ...this.#omission() };
  }

  async #collectUsage({ keepsHistory }: ClusterSummaryView): Promise<void> {
    this.nodes.expire(this.#view.nowMs());
    this.containers.expire(this.#view.nowMs());
    if (keepsHistory !== false) return;
    const nodes = this.#view.nodePoints().then((points) => this.#add(this.nodes, points));
    const containers = this.#readContainers().then((points) => this.#add(this.containers, points));
    await this.#settle(nodes, containers);
  }

  /** Waits for reads, of which each that fails leaves a gap. */
  async #settle(...reads: readonly Promise<void>[]): Promise<void> {
    for (const outcome of await Promise.allSettled(reads)) {
      if (outcome.status === 'rejected' && !(outcome.reason instanceof ViewError)) this.#onFailure(outcome.reason);
    }
  }

  #add(log: UsageLog, points: ReadonlyMap<string, PointView>): void {
    const nowMs = this.#view.nowMs();
    for (const [name, point] of points) log.add(name, point, nowMs);
  }

  /** Reads all containers, or those of the context's namespace where the user has no right on all. */
  async #readContainers(): Promise<ReadonlyMap<string, PointView>> {
    try {
      const points = await this.#view.containerPoints();
      this.#omitted = undefined;
      return points;
    } catch (error) {
      if (!(error instanceof ViewError) || error.status !== 403) throw error;
      const { contextNamespace } = this.#view;
      this.#omitted = { reason: error.message, only: contextNamespace };
      if (contextNamespace === undefined) throw error;
      return this.#view.containerPoints(contextNamespace);
    }
  }

  #omission(): Pick<HistoryExtent, 'reason'> {
    if (this.nodes.isFull || this.containers.isFull)
      return { reason: `history is collected for the first ${usageSeriesLimit} nodes and containers` };
    if (this.#omitted !== undefined) return { reason: this.#omitted.reason };
    return {};
  }
}
