/** The objects that metrics describe, and the accounts of the two servers. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { waitFor } from '../cluster/wait.ts';
import type { ControlPlane } from '../conformance/controlplane.ts';
import type { Credentials } from '../conformance/credentials.ts';
import { dig, kubeconfig } from '../conformance/objects.ts';

const namespaces = { shop: { team: 'a' }, bank: {}, empty: {}, monitoring: {} };
const pods = { 'web-0': 'web', 'web-1': 'web', 'web-2': 'web', 'idle-0': 'idle', 'a.b': 'dots', axb: 'dots' };
const nodes = { 'node-a': { zone: 'z0' }, 'node-b': { zone: 'z1' } };
const account = { namespace: 'monitoring', name: 'metrics-adapter' };
/** One hour; a run takes minutes. */
const tokenSeconds = 3_600;

/** Returns the kubeconfig of both servers: they have the same rights. */
export async function makeObjects(folder: string, credentials: Credentials, plane: ControlPlane): Promise<string> {
  const { call } = plane;
  for (const [name, labels] of Object.entries(namespaces)) {
    await call('POST', '/api/v1/namespaces', { metadata: { name, labels } });
  }
  for (const [name, labels] of Object.entries(nodes)) {
    await call('POST', '/api/v1/nodes', { metadata: { name, labels } });
  }
  for (const [name, app] of Object.entries(pods)) {
    await makePod(call, 'shop', name, app);
    await call('PATCH', `/api/v1/namespaces/shop/pods/${name}/status`, { status: { phase: 'Running' } });
  }
  // It stays Pending: no kubelet starts it.
  await makePod(call, 'bank', 'pending-0', 'web');
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'app', image: 'none' }] } };
  await call('POST', '/apis/apps/v1/namespaces/shop/deployments', {
    metadata: { name: 'web' },
    spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template },
  });
  await call('POST', '/api/v1/namespaces/shop/services', {
    metadata: { name: 'web' },
    spec: { ports: [{ port: 80 }] },
  });
  await call('POST', '/api/v1/persistentvolumes', {
    metadata: { name: 'pv-1' },
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/pv-1' } },
  });
  await defineResource(call, 'Widget', 'Namespaced');
  await defineResource(call, 'Gizmo', 'Cluster');
  await makeCustomObject(call, '/apis/lab.test/v1/namespaces/shop/widgets', 'Widget', 'g1');
  await makeCustomObject(call, '/apis/lab.test/v1/gizmos', 'Gizmo', 'z1');
  await applyRights(call);
  const file = path.join(folder, 'server-kubeconfig.json');
  writeFileSync(file, kubeconfig(plane.url, credentials.clients.cert, await tokenOf(call)), { mode: 0o600 });
  return file;
}

async function makePod(call: ControlPlane['call'], namespace: string, name: string, app: string): Promise<void> {
  await call('POST', `/api/v1/namespaces/${namespace}/pods`, {
    metadata: { name, labels: { app } },
    spec: { nodeName: 'node-a', containers: [{ name: 'app', image: 'none' }] },
  });
}

async function defineResource(call: ControlPlane['call'], kind: string, scope: string): Promise<void> {
  const singular = kind.toLowerCase();
  await call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: `${singular}s.lab.test` },
    spec: {
      group: 'lab.test',
      scope,
      names: { kind, plural: `${singular}s`, singular },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  });
}

/** The definition is served some moments after it was made. */
async function makeCustomObject(call: ControlPlane['call'], target: string, kind: string, name: string): Promise<void> {
  const make = () => call('POST', target, { apiVersion: 'lab.test/v1', kind, metadata: { name } });
  await waitFor(`${kind} to be served`, make, definitionTimeoutMs);
}

const definitionTimeoutMs = 30_000;

/** alice may read one metric of pods in one namespace, as in captures of the adapter. */
async function applyRights(call: ControlPlane['call']): Promise<void> {
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  await call('POST', `/api/v1/namespaces/${account.namespace}/serviceaccounts`, { metadata: { name: account.name } });
  await call('POST', `${rbac}/clusterrolebindings`, {
    metadata: { name: 'lab-servers' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', ...account }],
  });
  await call('POST', `${rbac}/namespaces/shop/roles`, {
    metadata: { name: 'one-metric' },
    rules: [{ apiGroups: ['custom.metrics.k8s.io'], resources: ['pods/http_requests_per_second'], verbs: ['get'] }],
  });
  await call('POST', `${rbac}/namespaces/shop/rolebindings`, {
    metadata: { name: 'one-metric' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'one-metric' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'alice' }],
  });
}

async function tokenOf(call: ControlPlane['call']): Promise<string> {
  const target = `/api/v1/namespaces/${account.namespace}/serviceaccounts/${account.name}/token`;
  return String(dig(await call('POST', target, { spec: { expirationSeconds: tokenSeconds } }), 'status', 'token'));
}
