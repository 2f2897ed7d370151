/** Counts and logs samples with more CPU than their node can have used. */
import { Counter } from 'prom-client';
import type { Clock } from '../clock.ts';
import { createLineLimit, type Logger } from '../logging.ts';
import type { Registry } from '../monitoring.ts';

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
  const mayLog = createLineLimit(() => clock.monotonicMs());
  return (node, what) => {
    counter.inc();
    if (mayLog(node)) log.warn({ node, what }, 'a sample has more CPU than the node can have used; it is not served');
  };
}
