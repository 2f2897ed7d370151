/** Counts and logs samples with more CPU than their node can have used. */
import { Counter } from 'prom-client';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import type { Registry } from '../monitoring.ts';

/** A node is logged at most once in this time, in milliseconds. */
const logIntervalMs = 60_000;

/** Nodes that are remembered as logged; beyond that all are forgotten. */
const nodeLimit = 10_000;

/** Returns what to call with the node and with what the sample is of. */
export function createImplausibleWatch(
  registry: Registry,
  clock: Clock,
  log: Logger,
): (node: string, what: string) => void {
  const counter = new Counter({
    name: 'kubegauge_implausible_samples_total',
    help: 'Number of samples with more CPU than their node can have used since the last one; they are not served.',
    registers: [registry],
  });
  const loggedMs = new Map<string, number>();
  return (node, what) => {
    counter.inc();
    const nowMs = clock.monotonicMs();
    if (nowMs - (loggedMs.get(node) ?? -Infinity) < logIntervalMs) return;
    if (loggedMs.size >= nodeLimit) loggedMs.clear();
    loggedMs.set(node, nowMs);
    log.warn({ node, what }, 'a sample has more CPU than the node can have used; it is not served');
  };
}
