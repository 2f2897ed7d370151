/** Metrics of requests to PromQL engines. */
import { Counter, Histogram } from 'prom-client';
import type { Registry } from '../monitoring.ts';

export interface PromqlMetrics {
  /** @param outcome `success`, `aborted` or a problem of PromqlError. */
  observe(source: string, endpoint: string, outcome: string, ms: number): void;
  /** Counts answers with warnings, and partial ones. */
  noted(source: string, kind: 'warning' | 'partial'): void;
  /** Counts samples that made no value. */
  leftOut(source: string, reason: string): void;
}

const durationBuckets = [0.005, 0.025, 0.1, 0.5, 1, 5, 10, 30];

export function createPromqlMetrics(registry: Registry): PromqlMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: 'kubegauge_promql_requests_total',
    help: 'Number of requests to PromQL engines by outcome.',
    labelNames: ['source', 'endpoint', 'outcome'],
    registers,
  });
  const durations = new Histogram({
    name: 'kubegauge_promql_request_duration_seconds',
    help: 'How long requests to PromQL engines took.',
    labelNames: ['source', 'endpoint'],
    buckets: durationBuckets,
    registers,
  });
  const notes = new Counter({
    name: 'kubegauge_promql_noted_answers_total',
    help: 'Number of answers of PromQL engines with warnings, or without the data of some stores.',
    labelNames: ['source', 'kind'],
    registers,
  });
  const leftOut = new Counter({
    name: 'kubegauge_promql_left_out_samples_total',
    help: 'Number of samples that made no value, such as NaN.',
    labelNames: ['source', 'reason'],
    registers,
  });
  return {
    observe: (source, endpoint, outcome, ms) => {
      requests.inc({ source, endpoint, outcome });
      durations.observe({ source, endpoint }, ms / 1_000);
    },
    noted: (source, kind) => notes.inc({ source, kind }),
    leftOut: (source, reason) => leftOut.inc({ source, reason }),
  };
}
