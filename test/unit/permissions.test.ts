/** The tables of docs/permissions.md list what the manifests grant, and the reader of audit logs finds what was used. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { V1ClusterRole, V1Role } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { type AuditEvent, type Use, usesOf } from '../cluster/audit.ts';
import { idleRights, unlistedUses } from '../cluster/permissionuse.ts';
import { readPermissions, rightsOfRules, rightTexts } from '../cluster/permissions.ts';
import { type KubernetesObject, parseObjects } from '../cluster/registration.ts';

const manifests = path.resolve(import.meta.dirname, '../../manifests');
const base = path.join(manifests, 'base');

interface Kustomization {
  readonly resources: readonly string[];
}

const kustomization: Kustomization = parse(readFileSync(path.join(base, 'kustomization.yaml'), 'utf8'));
const objects = kustomization.resources.flatMap((file) => parseObjects(readFileSync(path.join(base, file), 'utf8')));

/** Whose rights a role of ours is; the test of the manifests holds to whom it is bound. */
function accountOf(role: string): string {
  if (role === 'system:aggregated-metrics-reader') return 'users';
  return role === 'system:kubegauge-kubelets' ? 'kubegauge-kubelets' : 'kubegauge';
}

/** The rights of a role; none of other objects. */
function rightsOfRole(object: KubernetesObject) {
  const { kind, metadata, rules = [] } = object as KubernetesObject & V1ClusterRole & V1Role;
  if (kind === 'ClusterRole') return rightsOfRules(accountOf(metadata.name), `ClusterRole ${metadata.name}`, rules);
  if (kind !== 'Role') return [];
  const by = `Role ${metadata.namespace}/${metadata.name}`;
  return rightsOfRules(accountOf(metadata.name), by, rules, metadata.namespace);
}

const ofKubernetes = [
  'ClusterRole system:auth-delegator',
  'Role kube-system/extension-apiserver-authentication-reader',
];

describe('docs/permissions.md', () => {
  const rows = readPermissions('Granted by manifests/base');

  test('lists each right of the roles in manifests/base, and no other of them', () => {
    const granted = objects.flatMap(rightsOfRole);
    const listed = rows.flatMap(({ rights }) => rights).filter(({ by }) => !ofKubernetes.includes(by));
    assert.deepEqual(rightTexts(listed), rightTexts(granted));
  });

  test('has no right of our own roles that nothing uses', () => {
    const unused = rows.filter(({ isUnused }) => isUnused).flatMap(({ rights }) => rights);
    assert.deepEqual(
      unused.filter(({ by }) => !ofKubernetes.includes(by)),
      [],
    );
  });

  test('lists each right that a component adds', () => {
    const file = path.join(manifests, 'components/kubelet-proxy/kustomization.yaml');
    const { patches }: { patches: { target: { kind: string; name: string }; patch: string }[] } = parse(
      readFileSync(file, 'utf8'),
    );
    const added = globSync('components/*/*.yaml', { cwd: manifests }).filter(
      (each) => !each.endsWith('kustomization.yaml'),
    );
    const ofRoles = added.flatMap((each) =>
      parseObjects(readFileSync(path.join(manifests, each), 'utf8')).flatMap(rightsOfRole),
    );
    const ofPatches = patches
      .filter(({ target }) => target.kind === 'ClusterRole')
      .flatMap(({ target, patch }) =>
        rightsOfRules(
          accountOf(target.name),
          `ClusterRole ${target.name}`,
          parse(patch).map(({ value }: { value: unknown }) => value),
        ),
      );
    const listed = readPermissions('Granted by components').flatMap(({ rights }) => rights);
    assert.deepEqual(rightTexts(listed), rightTexts([...ofRoles, ...ofPatches]));
  });

  test('a row that lacks a cell is an error', () => {
    const table = '## A\n\n| a |\n|---|\n| `kubegauge` | get | | pods | | | always | why |\n';
    assert.throws(() => readPermissions('A', table), /a cell lacks/);
    assert.throws(() => readPermissions('B', table), /no section/);
  });
});

describe('an event of the audit log', () => {
  const user = { username: 'system:serviceaccount:kube-system:kubegauge' };
  const requestReceivedTimestamp = '2026-11-29T16:00:00.000000Z';
  const allowed = (reason: string) => ({
    annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': reason },
  });
  const event = (rest: Partial<AuditEvent>): AuditEvent => ({
    requestReceivedTimestamp,
    requestURI: '/',
    verb: 'get',
    user,
    ...rest,
  });

  test('is a use of a right by its user', () => {
    const uses = usesOf(
      event({
        verb: 'create',
        requestURI: '/api/v1/namespaces/kube-system/serviceaccounts/kubegauge-kubelets/token',
        objectRef: { resource: 'serviceaccounts', subresource: 'token', namespace: 'kube-system', name: 'a' },
        ...allowed(
          'RBAC: allowed by RoleBinding "x/kube-system" of Role "y" to ServiceAccount "kubegauge/kube-system"',
        ),
      }),
    );
    assert.deepEqual(uses, [
      {
        account: 'kubegauge',
        verb: 'create',
        group: '',
        resource: 'serviceaccounts/token',
        namespace: 'kube-system',
        name: 'a',
        isAllowed: true,
        by: 'Role kube-system/y',
      },
    ]);
  });

  test('of a path is one, too, without the query', () => {
    const [use] = usesOf(event({ requestURI: '/version?timeout=32s', ...allowed('RBAC: allowed by x') }));
    assert.deepEqual([use?.resource, use?.by, use?.isAllowed], ['/version', undefined, true]);
  });

  test('that was denied is a use that is not allowed', () => {
    const [use] = usesOf(
      event({ objectRef: { resource: 'secrets' }, annotations: { 'authorization.k8s.io/decision': 'forbid' } }),
    );
    assert.deepEqual([use?.resource, use?.isAllowed], ['secrets', false]);
  });

  test('of a review is also a use by the user that it is about', () => {
    const uses = usesOf(
      event({
        user: { username: 'system:node:a' },
        verb: 'create',
        objectRef: { apiGroup: 'authorization.k8s.io', resource: 'subjectaccessreviews' },
        requestObject: {
          spec: {
            user: 'system:serviceaccount:kube-system:kubegauge-kubelets',
            resourceAttributes: { verb: 'get', resource: 'nodes', subresource: 'metrics', name: 'a' },
          },
        },
        responseObject: {
          status: { allowed: true, reason: 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "c" to ...' },
        },
      }),
    );
    assert.deepEqual(uses, [
      {
        account: 'kubegauge-kubelets',
        verb: 'get',
        group: '',
        resource: 'nodes/metrics',
        namespace: '',
        name: 'a',
        isAllowed: true,
        by: 'ClusterRole c',
      },
    ]);
  });

  test('of another client counts for metrics only', () => {
    const reader = { username: 'alice' };
    const metrics = { apiGroup: 'metrics.k8s.io', resource: 'pods' };
    assert.deepEqual(usesOf(event({ user: reader, objectRef: { resource: 'pods' } })), []);
    assert.equal(usesOf(event({ user: reader, objectRef: metrics }))[0]?.account, 'users');
  });
});

describe('rights and their uses', () => {
  const by = 'ClusterRole r';
  const right = { account: 'kubegauge', verb: 'list', group: '', resource: 'pods', only: '', by };
  const use: Use = {
    account: 'kubegauge',
    verb: 'list',
    group: '',
    resource: 'pods',
    namespace: '',
    name: '',
    isAllowed: true,
    by,
  };

  test('a right that was used is not idle, and its use is listed', () => {
    assert.deepEqual(idleRights([right], [use]), []);
    assert.deepEqual(unlistedUses([right], [use]), []);
  });

  for (const [what, change] of Object.entries({
    'of another account': { account: 'kubegauge-kubelets' },
    'of another verb': { verb: 'watch' },
    'of another group': { group: 'apps' },
    'of a subresource': { resource: 'pods/log' },
    'by another role': { by: 'ClusterRole s' },
  })) {
    test(`a use ${what} is not listed, and leaves the right idle`, () => {
      assert.deepEqual(unlistedUses([right], [{ ...use, ...change }]), [{ ...use, ...change }]);
      assert.deepEqual(idleRights([right], [{ ...use, ...change }]), [right]);
    });
  }

  test('a denied use leaves the right idle, and must be listed, too', () => {
    const denied = { ...use, isAllowed: false, by: undefined };
    assert.deepEqual(idleRights([right], [denied]), [right]);
    assert.deepEqual(unlistedUses([right], [denied]), []);
    assert.equal(unlistedUses([right], [{ ...denied, verb: 'delete' }]).length, 1);
  });

  test('a right for one object is not for another', () => {
    const one = { ...right, only: 'a/b' };
    assert.deepEqual(idleRights([one], [{ ...use, namespace: 'a', name: 'b' }]), []);
    assert.deepEqual(idleRights([one], [{ ...use, namespace: 'a', name: 'c' }]), [one]);
    assert.deepEqual(idleRights([one], [use]), [one]);
  });

  test('a right for all objects of a namespace is for its lists and each of its objects', () => {
    const all = { ...right, only: 'a/*' };
    for (const name of ['', 'b']) assert.deepEqual(idleRights([all], [{ ...use, namespace: 'a', name }]), []);
    for (const namespace of ['', 'b']) assert.deepEqual(idleRights([all], [{ ...use, namespace }]), [all]);
  });

  test('the right of users is used through view, and not by an administrator', () => {
    const reader = { ...right, account: 'users', by: 'ClusterRole system:aggregated-metrics-reader' };
    assert.deepEqual(idleRights([reader], [{ ...use, account: 'users', by: 'ClusterRole view' }]), []);
    assert.deepEqual(idleRights([reader], [{ ...use, account: 'users', by: undefined }]), [reader]);
  });
});
