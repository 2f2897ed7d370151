/** The clients of a busy cluster: horizontal pod autoscalers, each of which asks for the pods of its Deployment once a cycle, and a user who watches `kubectl top pods -A`. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Credentials } from '../conformance/credentials.ts';
import type { Server } from '../conformance/servers.ts';
import { type Aggregator, administrator, autoscaler, connectAggregator, metricsPath, type User } from './aggregator.ts';
import { deploymentName } from './cluster.ts';
import { namespaceOf } from './nodemodel.ts';

const autoscalers = 100;
/** kube-controller-manager's --horizontal-pod-autoscaler-sync-period. */
const cycleMs = 15_000;
const topMs = 2_000;

/**
 * Asks until the signal aborts.
 * @param deployments how many there are.
 * @throws Error when an answer is not as it should be.
 */
export async function askAsClients(
  server: Server,
  credentials: Credentials,
  deployments: number,
  signal: AbortSignal,
): Promise<void> {
  using aggregator = await connectAggregator(server, credentials);
  await Promise.all([
    each(cycleMs / autoscalers, signal, (turn) => good(aggregator, queryOf(turn % deployments), autoscaler)),
    each(topMs, signal, () => good(aggregator, `${metricsPath}/pods`, administrator)),
  ]);
}

function queryOf(deployment: number): string {
  const selector = encodeURIComponent(`app=${deploymentName(deployment)}`);
  return `${metricsPath}/namespaces/${namespaceOf(deployment)}/pods?labelSelector=${selector}`;
}

/** As Go's clients do, with an answer that may be compressed. */
async function good(aggregator: Aggregator, path: string, user: User): Promise<void> {
  const { status } = await aggregator.ask(path, user, { 'accept-encoding': 'gzip' });
  if (status !== 200) throw new Error(`${path}: ${status}`);
}

/** One after the other; a slow answer is not made up for. */
async function each(everyMs: number, signal: AbortSignal, ask: (turn: number) => Promise<void>): Promise<void> {
  for (let turn = 0, dueMs = performance.now(); !signal.aborted; turn += 1) {
    await ask(turn);
    dueMs = Math.max(dueMs + everyMs, performance.now());
    await sleep(Math.max(0, dueMs - performance.now()), undefined, { signal }).catch(() => undefined);
  }
}
