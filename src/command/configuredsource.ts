/** A source of custom and external metrics that flags configure, with its loop and its reports. */
import type { CustomMetricSource, ExternalMetricSource, SourceReport } from '../metricsource/source.ts';
import type { UsageSource } from '../metricsource/usage.ts';
import type { SnapshotKeeper } from './snapshotfile.ts';

/** A source of some kinds of metrics. */
export interface ConfiguredSource {
  /** For the log and /status. */
  readonly name: string;
  readonly custom: CustomMetricSource | undefined;
  readonly external: ExternalMetricSource | undefined;
  /** Of metrics.k8s.io; undefined unless flags choose the source for it. */
  readonly usage: UsageSource | undefined;
  /** Undefined if nothing of it is kept over a restart, or another part keeps it. */
  readonly snapshot: SnapshotKeeper | undefined;
  reports(): readonly SourceReport[];
  /** Whether it lists what it will list, as far as that comes soon after the start. */
  isWarm(): boolean;
  /** Runs until the signal aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
}
