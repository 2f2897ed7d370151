/** Reads the values of an external metric. */
import { untilAborted } from '../../abort.ts';
import type { ExternalMetricSource, ExternalQuestion, ExternalSample } from '../../metricsource/source.ts';
import { causesOf, metricNotFound } from '../../metricsource/metricnotfound.ts';
import { perList } from '../../metricsource/perlist.ts';
import { isObjectName } from '../objectname.ts';

export interface ExternalReader {
  /** @throws StatusError NotFound for an unknown metric; a known one without values is an empty list. */
  read(question: ExternalQuestion, signal: AbortSignal): Promise<readonly ExternalSample[]>;
}

export function createExternalReader(source: ExternalMetricSource): ExternalReader {
  const names = perList(source, (list) => new Set(list));
  return {
    async read(question, signal) {
      if (!names().has(question.metric)) {
        throw metricNotFound(question.metric, '', { causes: causesOf(source.absence?.(question.metric)) });
      }
      // As for any namespace without series.
      if (!isObjectName(question.namespace)) return [];
      return untilAborted(source.get(question, signal), signal);
    },
  };
}
