/** Finds rights with which a kubelet could do harm, of an account whose token it gets. */
import { apiServiceNames } from '../../api/apiservices.ts';
import { pinsConfigMapName } from '../../kubelet/pins/pinconfigmap.ts';
import type { CheckContext } from '../check.ts';
import type { AccessAttributes } from '../../client/accessreview.ts';
import type { ServiceAccount } from '../../client/tokenrequest.ts';
import type { Finding } from '../finding.ts';
import { mayAccount } from '../kubeletaccount.ts';
import { command } from '../remedy.ts';
import { applyManifests, type PresentServer } from './manifests.ts';

export interface ExposedAccount {
  /** The account whose token goes to kubelets. */
  readonly shown: ServiceAccount;
  /** The account that the server runs as. */
  readonly own: ServiceAccount;
  readonly present: PresentServer;
}

/** Yields a finding if the account may write. Reviews ask for one object each, so a narrower right than these is not seen. @throws UncheckedError. */
export async function* exposedRights(
  context: CheckContext,
  { shown, own, present }: ExposedAccount,
): AsyncIterable<Finding> {
  const isOwn = shown.namespace === own.namespace && shown.name === own.name;
  const held: string[] = [];
  for (const right of harmfulRights(own.namespace))
    if (await mayAccount(context, right, shown, isOwn ? 'server' : 'kubelets')) held.push(rightText(right));
  if (held.length === 0) return;
  yield {
    code: 'kubelet-account-writes',
    severity: 'error',
    object: `ServiceAccount ${shown.namespace}/${shown.name}`,
    problem: `its token is the one for kubelets, and it may ${held.join(', ')}: each kubelet that gets the token could do so`,
    evidence: 'SubjectAccessReview',
    remedy: isOwn
      ? applyManifests(present, 'where kubelets get the token of an account that can only read nodes/metrics')
      : `kubectl get clusterrolebindings,rolebindings -A -o wide | grep -F ${command(`${shown.namespace}/${shown.name}`)}   # take the roles that may write away`,
  };
}

/** The first two are those for which the server keeps a token from kubelets; the others are of wide roles. */
function harmfulRights(namespace: string): readonly AccessAttributes[] {
  return [
    ...apiServiceNames.map((name) => ({
      verb: 'patch',
      group: 'apiregistration.k8s.io',
      resource: 'apiservices',
      name,
    })),
    { verb: 'update', resource: 'configmaps', namespace, name: pinsConfigMapName },
    { verb: 'create', resource: 'pods', namespace },
    { verb: 'create', resource: 'serviceaccounts', subresource: 'token', namespace },
    { verb: 'get', resource: 'nodes', subresource: 'proxy' },
  ];
}

function rightText({ verb, resource = '', subresource, name, namespace }: AccessAttributes): string {
  const what = subresource === undefined ? resource : `${resource}/${subresource}`;
  const which = [namespace, name].filter((word) => word !== undefined).join('/');
  return `${verb} ${what}${which === '' ? '' : ` ${name === undefined ? 'in ' : ''}${which}`}`;
}
