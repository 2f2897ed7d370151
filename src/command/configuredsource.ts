/** A source of custom and external metrics that flags configure, with its loop and its reports. */
import type { CustomMetricSource, ExternalMetricSource, SourceReport } from '../metricsource/source.ts';

/** A source of one or both kinds of metrics. */
export interface ConfiguredSource {
  /** For the log and /status. */
  readonly name: string;
  readonly custom: CustomMetricSource | undefined;
  readonly external: ExternalMetricSource | undefined;
  reports(): readonly SourceReport[];
  /** Runs until the signal aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
}
