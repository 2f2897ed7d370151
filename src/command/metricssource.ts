/** What a source of metrics is to the composition root. */
import type { CustomMetricSource, ExternalMetricSource, SourceReport } from '../metricsource/source.ts';

/** A source of one or both kinds of metrics. */
export interface MetricsSource {
  /** For the log and /status. */
  readonly name: string;
  readonly custom: CustomMetricSource | undefined;
  readonly external: ExternalMetricSource | undefined;
  reports(): readonly SourceReport[];
  /** Runs until the signal aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
}
