/** The registry of our own metrics, served at /metrics; every room adds its series to the one it is given. */
import { collectDefaultMetrics, Registry } from 'prom-client';

export type { Registry } from 'prom-client';

/** Makes a registry with the process's own series in it (process_*, nodejs_*). */
export function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
