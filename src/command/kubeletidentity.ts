/** Selects which credentials kubelets get: tokens of a ServiceAccount that can only read metrics, or our own. */
import { apiServiceNames } from '../api/apiservices.ts';
import { createAccountToken } from '../client/accounttoken.ts';
import { type AccessAttributes, isAllowed } from '../client/accessreview.ts';
import type { ApiServer } from '../client/apiserver.ts';
import type { RestClient } from '../client/rest.ts';
import type { ServiceAccount } from '../client/tokenrequest.ts';
import type { Clock } from '../clock.ts';
import { pinsConfigMapName } from '../kubelet/pins/pinconfigmap.ts';
import type { Logger } from '../logging.ts';
import { defaultKubeletAccount, ownAccount } from '../options/flags/kubelet.ts';
import type { Options } from '../options/flags.ts';
import { UsageError } from '../options/parse.ts';
import { namedAccount } from '../options/validate.ts';
import type { KubeletIdentityReport } from '../server/statuspage.ts';
import type { KubeletReader } from '../scrape/endpoint/kubeletreader.ts';
import type { KubeletReaderPool } from '../scrape/endpoint/readerpool.ts';
import type { ReadResult } from '../scrape/endpoint/readresult.ts';

export interface KubeletIdentityOptions {
  readonly options: Pick<
    Options,
    'kubelet-service-account' | 'kubelet-connection' | 'deprecated-kubelet-completely-insecure'
  >;
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
  /**
   * Reports whether our own credentials never leave for a kubelet, whatever fails. It does not change while the process runs, and is the same after a restart
   * with the same flags. Nothing may be written to the cluster if it is false: kubelets could use our right to write.
   */
  isSeparate(): boolean;
  /** For /status. */
  report(): KubeletIdentityReport;
}

/**
 * With --kubelet-service-account our own credentials never leave for a kubelet, unless it is `own`. Without the flag, as when only the image of a Deployment was replaced,
 * kubelets get them while the account of our manifests is missing. Credentials with a right to write are never sent so. Through the node proxy they go to kube-apiserver only.
 * @throws UsageError if the flag has no namespace and there is no pod.
 */
export function createKubeletIdentity(identity: KubeletIdentityOptions): KubeletIdentity {
  const { options, apiServer, ...shared } = identity;
  const own = () => apiServer.authorization();
  if (options['kubelet-connection'] === 'proxy')
    return withoutAccount(own, true, 'none', 'kube-apiserver reads kubelets for us and shows them its own certificate');
  if (options['deprecated-kubelet-completely-insecure'])
    return withoutAccount(own, true, 'none', 'plain HTTP carries no token');
  const setting = options['kubelet-service-account'];
  if (setting === ownAccount) return withoutAccount(own, false, 'own', `--kubelet-service-account is ${ownAccount}`);
  const { namespace } = apiServer;
  if (setting === undefined && namespace === undefined)
    return withoutAccount(own, false, 'own', 'we do not run in a pod, and --kubelet-service-account is not set');
  const account =
    setting === undefined ? { namespace: namespace ?? '', name: defaultKubeletAccount } : accountIn(setting, namespace);
  const isSeparate = setting !== undefined;
  const mayUseOwn = isSeparate ? undefined : async () => !(await mayAny(shared.rest, rightsToWrite(namespace)));
  const check = async (authorization: string) => {
    // Beside a client certificate kube-apiserver would not look at the token.
    if (apiServer.tls().cert !== undefined) return;
    if (await mayAny(shared.rest, rightsToWrite(namespace), authorization)) {
      throw new Error(
        'kubelets do not get its tokens, since it may write to the cluster: take its rights to patch APIServices and to update ConfigMaps away',
      );
    }
    if (await mayAny(shared.rest, rightsToList, authorization)) {
      throw new Error(
        'kubelets do not get its tokens, since it may list pods or HorizontalPodAutoscalers: name an account that can only read nodes/metrics',
      );
    }
  };
  const token = createAccountToken({ ...shared, account, own, mayUseOwn, check });
  return {
    authorization: () => token.authorization(),
    refresh: () => token.refresh(),
    isSeparate: () => isSeparate,
    report: () => ({ ...token.state(), account: `${account.namespace}/${account.name}` }),
  };
}

function withoutAccount(
  own: ApiServer['authorization'],
  isSeparate: boolean,
  sent: 'own' | 'none',
  reason: string,
): KubeletIdentity {
  return {
    authorization: own,
    refresh: () => undefined,
    isSeparate: () => isSeparate,
    report: () => ({ sent, reason }),
  };
}

/** Reports whether our own credentials, or others, have one of the rights. */
async function mayAny(
  rest: Pick<RestClient, 'create'>,
  rights: readonly AccessAttributes[],
  authorization?: string,
): Promise<boolean> {
  const may = rights.map((right) => isAllowed(rest, right, authorization === undefined ? {} : { authorization }));
  return (await Promise.all(may)).includes(true);
}

/** With the first a kubelet could redirect the API to itself, with the second record the key of another one. */
function rightsToWrite(namespace: string | undefined): readonly AccessAttributes[] {
  const apiServices = apiServiceNames.map((name) => ({
    group: 'apiregistration.k8s.io',
    resource: 'apiservices',
    verb: 'patch',
    name,
  }));
  const pins = { group: '', resource: 'configmaps', verb: 'update', name: pinsConfigMapName };
  return [...apiServices, ...(namespace === undefined ? [] : [{ ...pins, namespace }])];
}

/** With these a kubelet could see what runs on other nodes. Our own account has the first, and is sent only where there is no other. */
const rightsToList: readonly AccessAttributes[] = [
  { group: '', resource: 'pods', verb: 'list' },
  { group: 'autoscaling', resource: 'horizontalpodautoscalers', verb: 'list' },
];

function accountIn(setting: string, ownNamespace: string | undefined): ServiceAccount {
  const { name, namespace } = namedAccount(setting, ownNamespace);
  if (namespace === undefined) {
    throw new UsageError({
      code: 'InvalidFlagValue',
      text: `--kubelet-service-account=${setting} needs a namespace outside of a pod: give <namespace>/${name}`,
    });
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
      cadvisor: async (at, signal, wanted) => note(await reader.cadvisor(at, signal, wanted)),
      resource: async (at, signal, path) => note(await reader.resource(at, signal, path)),
    };
  }

  function note(result: ReadResult): ReadResult {
    if (result.kind === 'failed' && result.why.code === 'Unauthorized') identity.refresh();
    return result;
  }
}
