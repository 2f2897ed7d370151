/** Finds the API server: where a kubeconfig says, or from inside the cluster. */
import { type ApiServer, inClusterApiServer } from '../client/config.ts';
import { kubeconfigApiServer } from '../client/kubeconfig.ts';
import { UsageError } from '../options/parse.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** @throws UsageError where there is none. */
export async function findApiServer(kubeconfig: string | undefined, env: Environment): Promise<ApiServer> {
  if (kubeconfig !== undefined) return kubeconfigApiServer(kubeconfig);
  const found = inClusterApiServer(env);
  if (found !== undefined) return found;
  throw new UsageError(
    'there is no cluster to talk to: outside of a pod, pass --kubeconfig=<file>; `npm start` shows everything without a cluster',
  );
}
