/** Selects which credentials kubelets get: tokens of a ServiceAccount that can only read metrics, or our own. */
import { createAccountToken } from '../client/accounttoken.ts';
import type { ApiServer } from '../client/apiserver.ts';
import type { RestClient } from '../client/rest.ts';
import type { ServiceAccount } from '../client/tokenrequest.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import { defaultKubeletAccount } from '../options/flags/kubelet.ts';
import type { Options } from '../options/flags.ts';
import { UsageError } from '../options/parse.ts';
import type { KubeletReader } from '../scrape/endpoint/kubeletreader.ts';
import type { KubeletReaderPool } from '../scrape/endpoint/readerpool.ts';
import type { ReadResult } from '../scrape/endpoint/readresult.ts';

export interface KubeletIdentityOptions {
  readonly options: Pick<Options, 'kubelet-service-account'>;
  readonly apiServer: ApiServer;
  readonly rest: Pick<RestClient, 'create' | 'outage'>;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface KubeletIdentity {
  /** Returns the value of the Authorization header for kubelets. Throws if no request may be sent. */
  readonly authorization: ApiServer['authorization'];
  /** Call it after a 401 of a kubelet. */
  refresh(): void;
  /** Reports whether kubelets never get our own credentials from now on. Nothing may be written to the cluster before. */
  isSeparate(): boolean;
}

/**
 * With --kubelet-service-account our own credentials never leave for a kubelet. Without the flag, as when only the image of a Deployment was replaced, they
 * do while the account of our manifests is missing.
 * @throws UsageError if the flag has no namespace and there is no pod.
 */
export function createKubeletIdentity(identity: KubeletIdentityOptions): KubeletIdentity {
  const { options, apiServer, ...shared } = identity;
  const setting = options['kubelet-service-account'];
  const own = () => apiServer.authorization();
  if (setting !== undefined)
    return createAccountToken({ ...shared, account: accountOf(setting, apiServer.namespace), fallback: undefined });
  const { namespace } = apiServer;
  if (namespace === undefined) return { authorization: own, refresh: () => undefined, isSeparate: () => false };
  return createAccountToken({ ...shared, account: { namespace, name: defaultKubeletAccount }, fallback: own });
}

function accountOf(setting: string, ownNamespace: string | undefined): ServiceAccount {
  const [name = '', namespace = ownNamespace] = setting.split('/').toReversed();
  if (namespace === undefined) {
    throw new UsageError(
      `--kubelet-service-account=${setting} needs a namespace outside of a pod: give <namespace>/${name}`,
    );
  }
  return { namespace, name };
}

/** Wraps a pool whose requests have this identity: a kubelet that rejects it has it refreshed. */
export function refreshRejected(
  pool: KubeletReaderPool,
  identity: Pick<KubeletIdentity, 'refresh'>,
): KubeletReaderPool {
  return { of, release: (node) => pool.release(node), [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose]() };

  function of(node: string): KubeletReader {
    const reader = pool.of(node);
    return {
      cadvisor: async (at, signal) => note(await reader.cadvisor(at, signal)),
      resource: async (at, signal, path) => note(await reader.resource(at, signal, path)),
    };
  }

  function note(result: ReadResult): ReadResult {
    if (result.kind === 'failed' && result.why.code === 'Unauthorized') identity.refresh();
    return result;
  }
}
