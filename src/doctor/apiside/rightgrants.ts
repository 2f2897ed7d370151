/** Rights as reviews, as text, and as roles that grant them. */
import type { AccessAttributes } from '../../client/accessreview.ts';
import type { ServiceAccount } from '../../client/tokenrequest.ts';
import type { GrantingRole, NeededRight } from './rights.ts';
import type { ServerKind } from './servingpods.ts';

type Right = Pick<NeededRight, 'verb' | 'group' | 'resource' | 'namespace' | 'name'>;

export const asGoodAsRoot = 'nodes/proxy';

/** Returns what an access review asks. */
export function attributesOf(right: Right): AccessAttributes {
  const { verb, group, namespace, name } = right;
  if (right.resource.startsWith('/')) return { verb, nonResourcePath: right.resource };
  const [resource = '', subresource = ''] = right.resource.split('/');
  return {
    verb,
    group,
    resource,
    subresource,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  };
}

export function rightText({ verb, group, resource, namespace, name }: Right): string {
  const what = group === '' || resource.startsWith('/') ? resource : `${resource}.${group}`;
  // The remedy can be pasted, so it must not grant this unnoticed.
  const warning = resource === asGoodAsRoot ? ' (as good as root on the nodes)' : '';
  return `${verb} ${what}${name === undefined ? '' : ` ${namespace ?? ''}/${name}`}${warning}`;
}

const rbac = 'rbac.authorization.k8s.io';

/**
 * Returns the role and its binding. `kubectl auth reconcile` adds what is missing, and removes nothing; but a binding of
 * this name with another roleRef it deletes and creates again, without the subjects that it had. So names are ours, or
 * those of metrics-server's release with its roleRef.
 */
export function grant(
  server: ServerKind,
  role: GrantingRole,
  rights: readonly Right[],
  account: ServiceAccount,
): object {
  // metrics-server's release has one role for all, also where only its image was replaced.
  const isOfRelease = server === 'metrics-server' || account.name === 'metrics-server';
  const isKept = role.builtIn === true || !isOfRelease;
  const name = isKept ? role.name : 'system:metrics-server';
  const kind = isKept ? role.kind : 'ClusterRole';
  const scope = kind === 'Role' ? { namespace: role.namespace } : {};
  const binding = {
    apiVersion: `${rbac}/v1`,
    kind: `${kind}Binding`,
    metadata: { name: bindingName(role, account) ?? name, ...scope },
    roleRef: { apiGroup: rbac, kind, name },
    subjects: [{ kind: 'ServiceAccount', ...account }],
  };
  const granting = { apiVersion: `${rbac}/v1`, kind, metadata: { name, ...scope }, rules: rights.map(ruleOf) };
  return { apiVersion: 'v1', kind: 'List', items: role.builtIn === true ? [binding] : [granting, binding] };
}

/** Returns the name of our manifests and of metrics-server's release, so that the next apply finds it. */
function bindingName({ builtIn, kind, name }: GrantingRole, account: ServiceAccount): string | undefined {
  if (builtIn !== true) return undefined;
  return kind === 'Role' ? `${account.name}-auth-reader` : `${account.name}:${name}`;
}

function ruleOf({ verb, group, resource, name }: Right): object {
  if (resource.startsWith('/')) return { nonResourceURLs: [resource], verbs: [verb] };
  return {
    apiGroups: [group],
    resources: [resource],
    verbs: [verb],
    ...(name === undefined ? {} : { resourceNames: [name] }),
  };
}
