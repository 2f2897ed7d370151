/** Finds kube-apiserver by a kubeconfig, or inside the cluster. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { type ApiServer, inClusterApiServer } from '../client/apiserver.ts';
import { kubeconfigApiServer } from '../client/kubeconfig.ts';
import { systemClock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import { UsageError } from '../options/parse.ts';
import { failsAs } from './failure.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param context of the kubeconfig; default: the current one.
 * @throws UsageError where neither is configured.
 */
export async function findApiServer(
  kubeconfig: string | undefined,
  env: Environment,
  log?: Logger,
  context?: string,
): Promise<ApiServer> {
  if (kubeconfig !== undefined) {
    return failsAs('KubeconfigUnusable', () => kubeconfigApiServer(kubeconfig, systemClock, log, context));
  }
  const found = await failsAs('PodAccountUnusable', () => inClusterApiServer(env, { log }));
  if (found !== undefined) return found;
  throw new UsageError({
    code: 'NoCluster',
    text: 'no cluster is configured: outside of a pod, pass --kubeconfig=<file>; `npm start` runs without a cluster',
  });
}

/**
 * As findApiServer, but outside of a pod without a kubeconfig takes kubectl's: the first file of KUBECONFIG that exists, or ~/.kube/config.
 * The server itself never does, so that a start without arguments reaches no cluster.
 * @throws UsageError where there is none.
 */
export async function findApiServerAsKubectl(
  kubeconfig: string | undefined,
  env: Environment,
  context?: string,
): Promise<ApiServer> {
  if (kubeconfig !== undefined || (isInPod(env) && context === undefined))
    return findApiServer(kubeconfig, env, undefined, context);
  const listed = (env['KUBECONFIG'] ?? '').split(path.delimiter).filter((file) => file !== '');
  const usual = path.join(homedir(), '.kube', 'config');
  // As kubectl: with KUBECONFIG, the file in the home folder does not count.
  const candidates = listed.length > 0 ? listed : [usual];
  const found = candidates.find((file) => existsSync(file));
  if (found !== undefined) return findApiServer(found, env, undefined, context);
  const missing =
    listed.length > 0 ? `KUBECONFIG names no file that exists: ${listed.join(', ')}` : `there is no ${usual}`;
  const text = `no cluster is configured: ${missing}; pass --kubeconfig=<file>, or set KUBECONFIG`;
  throw new UsageError({ code: 'NoCluster', text });
}

export function isInPod(env: Environment): boolean {
  return (env['KUBERNETES_SERVICE_HOST'] ?? '') !== '';
}
