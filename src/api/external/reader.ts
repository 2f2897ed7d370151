/** Reads the values of an external metric. */
import { untilAborted } from '../../abort.ts';
import type { ExternalMetricSource, ExternalQuestion, ExternalSample } from '../../metricsource/source.ts';
import { causesOf, metricNotFound } from '../../metricsource/metricnotfound.ts';
import { isObjectName } from '../objectname.ts';

export interface ExternalReader {
  /** @throws StatusError NotFound for an unknown metric; a known one without values is an empty list. */
  read(question: ExternalQuestion, signal: AbortSignal): Promise<readonly ExternalSample[]>;
}

export function createExternalReader(source: ExternalMetricSource): ExternalReader {
  let listed: readonly string[] = [];
  let names: ReadonlySet<string> = new Set();
  return {
    async read(question, signal) {
      const list = source.list();
      if (list !== listed) {
        names = new Set(list);
        listed = list;
      }
      if (!names.has(question.metric)) {
        throw metricNotFound(question.metric, '', { causes: causesOf(source.absence?.(question.metric)) });
      }
      // As for any namespace without series.
      if (!isObjectName(question.namespace)) return [];
      return untilAborted(source.get(question, signal), signal);
    },
  };
}
