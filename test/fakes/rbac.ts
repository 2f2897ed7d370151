/** Answers access reviews from the roles and bindings of the fake API server, as Kubernetes' RBAC authorizer does. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { V1ClusterRole, V1ClusterRoleBinding, V1PolicyRule } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import type { FakeApiServer } from './apiserver.ts';
import type { KubeObject } from './kubeobjects.ts';
import type { ObjectStore } from './objectstore.ts';

/** Sets the roles and bindings of manifests/base and Kubernetes' own, and answers reviews by them from now on. */
export function useRbac(server: FakeApiServer): void {
  setRbac(server.objects);
  server.reviews.access = (spec) => ({ allowed: rbacAllows(server.objects, spec), reason: '' });
}

/** Sets the roles and bindings of manifests/base and Kubernetes' own. @param more files of manifests. */
export function setRbac(objects: ObjectStore, more: readonly string[] = []): void {
  const manifests = path.resolve(import.meta.dirname, '../../manifests');
  for (const file of ['base/rbac.yaml', 'base/kubelet-identity.yaml', 'base/ca-bundle.yaml', ...more]) {
    for (const document of parseAllDocuments(readFileSync(path.join(manifests, file), 'utf8'))) {
      const object = document.toJS() as KubeObject;
      if (object.kind !== ('ServiceAccount' as string)) objects.set(object);
    }
  }
  objects.set(
    role('ClusterRole', 'system:auth-delegator', [
      { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
      { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
    ]),
  );
  const configMap = 'extension-apiserver-authentication';
  objects.set(
    role('Role', `${configMap}-reader`, [
      { apiGroups: [''], resources: ['configmaps'], resourceNames: [configMap], verbs: ['get', 'list', 'watch'] },
    ]),
  );
  const autoscaling = 'system:controller:horizontal-pod-autoscaler';
  const verbs = ['list', 'get', 'watch'];
  const apiGroups = ['custom.metrics.k8s.io', 'external.metrics.k8s.io'];
  objects.set(role('ClusterRole', autoscaling, [{ apiGroups, resources: ['*'], verbs }]));
  const subjects = [{ kind: 'ServiceAccount', name: 'horizontal-pod-autoscaler', namespace: 'kube-system' }];
  const roleRef = { apiGroup: rbac, kind: 'ClusterRole', name: autoscaling };
  objects.set({
    kind: 'ClusterRoleBinding',
    apiVersion: `${rbac}/v1`,
    metadata: { name: autoscaling },
    roleRef,
    subjects,
  });
}

const rbac = 'rbac.authorization.k8s.io';

function role(kind: 'ClusterRole' | 'Role', name: string, rules: readonly V1PolicyRule[]): KubeObject {
  const namespace = kind === 'Role' ? { namespace: 'kube-system' } : {};
  return { kind, apiVersion: `${rbac}/v1`, metadata: { name, ...namespace }, rules };
}

interface ReviewSpec {
  readonly user?: string;
  readonly resourceAttributes?: {
    readonly verb: string;
    readonly group: string;
    readonly resource: string;
    readonly subresource: string;
    readonly name: string;
    readonly namespace: string;
  };
  readonly nonResourceAttributes?: { readonly verb: string; readonly path: string };
}

/** Reports whether a binding in the store gives a ServiceAccount the right that an access review asks about. */
export function rbacAllows(objects: ObjectStore, spec: ReviewSpec): boolean {
  const namespace = spec.resourceAttributes?.namespace ?? '';
  const bindings = [...objects.list('ClusterRoleBinding'), ...objects.list('RoleBinding')];
  return bindings
    .map((binding) => binding as KubeObject & V1ClusterRoleBinding)
    .filter(({ metadata }) => metadata.namespace === undefined || metadata.namespace === namespace)
    .filter(({ subjects = [] }) =>
      subjects.some((subject) => `system:serviceaccount:${subject.namespace}:${subject.name}` === spec.user),
    )
    .some(({ roleRef, metadata }) => {
      const kind = roleRef.kind === 'Role' ? 'Role' : 'ClusterRole';
      const granted = objects.get(kind, roleRef.name, kind === 'Role' ? metadata.namespace : undefined);
      return ((granted as (KubeObject & V1ClusterRole) | undefined)?.rules ?? []).some((rule) => covers(rule, spec));
    });
}

function covers(rule: V1PolicyRule, { resourceAttributes: wanted, nonResourceAttributes: plain }: ReviewSpec): boolean {
  if (plain !== undefined) {
    return rule.verbs.includes(plain.verb) && (rule.nonResourceURLs ?? []).includes(plain.path);
  }
  if (wanted === undefined) return false;
  const resource = wanted.subresource === '' ? wanted.resource : `${wanted.resource}/${wanted.subresource}`;
  return (
    rule.verbs.includes(wanted.verb) &&
    (rule.apiGroups ?? []).includes(wanted.group) &&
    (rule.resources ?? []).includes(resource) &&
    (rule.resourceNames === undefined || rule.resourceNames.includes(wanted.name))
  );
}
