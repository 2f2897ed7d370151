/** The account that --prometheus-auth-config or --prometheus-auth-incluster names. */
import { type ApiServer, inClusterApiServer } from '../client/apiserver.ts';
import { kubeconfigApiServer } from '../client/kubeconfig.ts';
import type { Logger } from '../logging.ts';
import { UsageError } from '../options/parse.ts';
import type { PrometheusSettings } from '../options/prometheussettings.ts';
import type { Environment } from './apiserver.ts';

/** Returns undefined without either flag. @throws UsageError outside of a pod. Error for a kubeconfig that cannot be used. */
export async function prometheusAccount(
  { authConfig, isInCluster }: Pick<PrometheusSettings, 'authConfig' | 'isInCluster'>,
  env: Environment,
  log: Logger,
): Promise<ApiServer | undefined> {
  if (authConfig !== undefined) return kubeconfigApiServer(authConfig, undefined, log);
  if (!isInCluster) return undefined;
  const account = inClusterApiServer(env, { log });
  if (account !== undefined) return account;
  throw new UsageError({
    code: 'ContradictingFlags',
    text: '--prometheus-auth-incluster needs a pod; outside of one, use --prometheus-auth-config=<file>',
  });
}
