/** Pods with a known load that run through all tests: one burns a share of a core, one holds memory, one has two containers. */
import type { Cluster } from '../cluster.ts';
import { makeNamespace } from './namespaces.ts';
import { apply, memoryFolder, pod, podsReady } from './pods.ts';

export const loadNamespace = 'e2e-loads';
/** The burner would use a whole core; its limit makes it this share. */
export const burnedNanocores = 0.3e9;
export const heldBytes = 64 * 2 ** 20;

/** namespace/name of each of them. */
export const loadPods: readonly string[] = ['burner', 'holder', 'pair'].map((name) => `${loadNamespace}/${name}`);

export interface Loads {
  /** Makes the pods at the first call. Resolves when they run. */
  running(): Promise<void>;
}

export function createLoads(cluster: Cluster): Loads {
  let started: Promise<void> | undefined;
  return {
    running: () => {
      started ??= start();
      return started;
    },
  };

  async function start(): Promise<void> {
    await makeNamespace(cluster, loadNamespace);
    const requests = { cpu: '50m', memory: '16Mi' };
    const idle = { script: 'exec sleep infinity', requests };
    // It asks for what it may use, so that others who want the machine do not take it away.
    const burn = { script: 'while :; do :; done', requests: { cpu: '300m' }, limits: { cpu: '300m' } };
    const hold = {
      script: `dd if=/dev/zero of=${memoryFolder}/held bs=1M count=${heldBytes / 2 ** 20}; exec sleep infinity`,
      requests,
    };
    await apply(cluster, [
      pod(cluster, loadNamespace, 'burner', { burn }, { app: 'burner' }),
      pod(cluster, loadNamespace, 'holder', { hold }, { app: 'holder' }),
      pod(cluster, loadNamespace, 'pair', { first: idle, second: idle }, { app: 'pair' }),
    ]);
    await podsReady(cluster, loadNamespace);
  }
}
