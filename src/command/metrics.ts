/** How much is stored, told under metrics-server's name. */
import { Gauge } from 'prom-client';
import type { Registry } from '../monitoring.ts';
import type { Storage } from '../storage/storage.ts';

export function createStorageMetrics(registry: Registry, storage: Pick<Storage, 'counts'>): void {
  // prom-client keeps it in the registry; counted only when somebody asks.
  new Gauge({
    name: 'metrics_server_storage_points',
    help: 'Number of metrics points stored.',
    labelNames: ['type'],
    registers: [registry],
    collect() {
      const { nodes, containers } = storage.counts();
      this.set({ type: 'node' }, nodes);
      this.set({ type: 'container' }, containers);
    },
  });
}
