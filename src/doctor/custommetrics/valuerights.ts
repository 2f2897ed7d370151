/** Checks the rights behind custom and external metrics: those of the components for the server, and of the HPA controller. */
import { customGroup } from '../../api/custom/metricvalues.ts';
import type { ServiceAccount } from '../../client/tokenrequest.ts';
import { applyFiles } from '../apiside/manifests.ts';
import { attributesOf, grant, rightText } from '../apiside/rightgrants.ts';
import type { GrantingRole, NeededRight } from '../apiside/rights.ts';
import { type ExposedAccounts, refusalOf } from '../apiside/shownaccounts.ts';
import type { CheckContext } from '../check.ts';
import type { Finding } from '../finding.ts';
import { flagIn, separateAccountIn } from '../flagwords.ts';
import { mayAccount } from '../kubeletaccount.ts';
import type { ServerInstallation } from '../nodes/serverflags.ts';
import { withInput } from '../remedy.ts';
import { namesOf, type ValueApi } from './valueapis.ts';

export const rightCodes = ['custom-right-missing', 'autoscaler-right-missing'] as const;

type Right = Omit<NeededRight, 'account' | 'neededBy'>;

/** Kubernetes' own account of the controller; its own role has the rights. */
const autoscalers: ServiceAccount = { namespace: 'kube-system', name: 'horizontal-pod-autoscaler' };
/** Not `hpa-controller-custom-metrics`: prometheus-adapter's manifests bind another role by this name, and the grant would replace that. */
const autoscalersRole: GrantingRole = { kind: 'ClusterRole', name: 'system:kubegauge-hpa-custom-metrics' };

export interface ValueRightsFacts {
  readonly api: ValueApi;
  readonly installation: ServerInstallation;
  readonly exposed: ExposedAccounts;
  /** Whether kubelets are a source, or a file of rules may be one. */
  readonly sources: { readonly kubelet: boolean; readonly config: boolean };
}

/** @throws UncheckedError. */
export async function* checkValueRights(
  context: Pick<CheckContext, 'api' | 'place'>,
  { api, installation, exposed, sources }: ValueRightsFacts,
): AsyncIterable<Finding> {
  const { namespace, serviceAccount: name } = installation;
  const own = { namespace, name };
  const [component] = api.component;
  const ofServer = (right: Right) => mayAccount(context, attributesOf(right), own, 'server');
  const needed = rightsOfServer(api, installation, sources);
  for (const [role, missing] of Map.groupBy(await lacking(needed, ofServer), (right) => right.role)) {
    const refusal = refusalOf(missing, own, exposed);
    const problem = `the server may not ${missing.map(rightText).join(', ')}`;
    yield {
      code: 'custom-right-missing',
      severity: 'error',
      object: objectOf(own),
      problem: refusal === undefined ? problem : `${problem}, ${refusal.because}`,
      evidence: `SubjectAccessReview; granted by manifests/components/${component}`,
      remedy:
        refusal === undefined
          ? reconcile(role, missing, own)
          : `${refusal.remedy}\n${applyFiles(component, ['rbac.yaml'])}`,
    };
  }
  const reading = { verb: api.group === customGroup ? 'get' : 'list', group: api.group, resource: '*' };
  const ofAutoscalers = (right: Right) => context.api.may(attributesOf(right), autoscalers);
  const unread = await lacking([{ ...reading, role: autoscalersRole }], ofAutoscalers);
  if (unread.length === 0) return;
  yield {
    code: 'autoscaler-right-missing',
    severity: 'warning',
    object: objectOf(autoscalers),
    problem: `the HPA controller may not ${unread.map(rightText).join(', ')}: autoscalers on these metrics get a 403`,
    evidence: 'SubjectAccessReview; granted by Kubernetes, in ClusterRole system:controller:horizontal-pod-autoscaler',
    remedy: reconcile(autoscalersRole, unread, autoscalers),
  };
}

/** Rights that manifests/components grant, where the flags make the server use them. */
export function rightsOfServer(
  { group, component, ...api }: ValueApi,
  { namespace, command, args }: Pick<ServerInstallation, 'namespace' | 'command' | 'args'>,
  { kubelet, config }: ValueRightsFacts['sources'],
): readonly Right[] {
  const words = [...command, ...args];
  const role: GrantingRole = { kind: 'ClusterRole', name: `system:kubegauge-${component[0]}` };
  const read = (ofGroup: string, resource: string): readonly Right[] =>
    ['list', 'watch'].map((verb) => ({ verb, group: ofGroup, resource, role }));
  const isCustom = group === customGroup;
  const writesBundle =
    separateAccountIn(words, namespace) !== undefined || flagIn(words, 'kubelet-connection') === 'proxy';
  const bundleRole: GrantingRole = { kind: 'ClusterRole', name: `${role.name}-ca-bundle` };
  const bundles = namesOf({ group, component, ...api }).flatMap((name) =>
    ['get', 'watch', 'patch'].map(
      (verb): Right => ({ verb, group: 'apiregistration.k8s.io', resource: 'apiservices', name, role: bundleRole }),
    ),
  );
  return [
    ...(isCustom ? read('', 'namespaces') : []),
    ...(isCustom && config ? read('', 'services') : []),
    ...(isCustom && kubelet ? read('autoscaling', 'horizontalpodautoscalers') : []),
    // Without a separate identity for kubelets, or with certificates from files, caBundle is not the server's.
    ...(writesBundle && flagIn(words, 'tls-cert-file') === undefined ? bundles : []),
  ];
}

async function lacking(rights: readonly Right[], may: (right: Right) => Promise<boolean>): Promise<readonly Right[]> {
  const missing: Right[] = [];
  for (const right of rights) if (!(await may(right))) missing.push(right);
  return missing;
}

function objectOf({ namespace, name }: ServiceAccount): string {
  return `ServiceAccount ${namespace}/${name}`;
}

function reconcile(role: GrantingRole, rights: readonly Right[], account: ServiceAccount): string {
  return withInput('kubectl auth reconcile -f -', JSON.stringify(grant('kubegauge', role, rights, account)));
}
