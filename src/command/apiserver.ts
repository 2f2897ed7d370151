/** Finds kube-apiserver by a kubeconfig, or inside the cluster. */
import { type ApiServer, inClusterApiServer } from '../client/apiserver.ts';
import { kubeconfigApiServer } from '../client/kubeconfig.ts';
import { systemClock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import { UsageError } from '../options/parse.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** @throws UsageError where neither is configured. */
export async function findApiServer(
  kubeconfig: string | undefined,
  env: Environment,
  log?: Logger,
): Promise<ApiServer> {
  if (kubeconfig !== undefined) return kubeconfigApiServer(kubeconfig, systemClock, log);
  const found = inClusterApiServer(env, { log });
  if (found !== undefined) return found;
  throw new UsageError(
    'no cluster is configured: outside of a pod, pass --kubeconfig=<file>; `npm start` runs without a cluster',
  );
}
