/** The clients of the tests: the server itself, the real metrics-server, a reader of metrics and one without any right, each a ServiceAccount with a token. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { V1ClusterRole, V1ClusterRoleBinding, V1RoleBinding } from '@kubernetes/client-node';
import type { Cluster } from '../cluster.ts';
import { makeNamespace } from './namespaces.ts';

export interface Credentials {
  /** The kubeconfig of ServiceAccount kube-system/kubegauge, as a server outside of a pod gets it. */
  readonly serverKubeconfig: string;
  /** The same for the real metrics-server: an account that has its rights, and those at kubelets, too. */
  readonly peerKubeconfig: string;
  /** Has the ClusterRole view, which the manifests extend to metrics, and may see the server's list of paths, its metrics and its status. */
  readonly readerToken: string;
  readonly strangerToken: string;
  /** Has the ClusterRole view and nothing else. */
  readonly viewerToken: string;
  /** Removes cluster-scoped objects, which are not deleted with a namespace. */
  remove(): Promise<void>;
}

const name = 'kubegauge-e2e-reader';
/** Longer than any run. */
const duration = '3h';

/** Needs the manifests' RBAC. */
export async function createCredentials(cluster: Cluster, folder: string): Promise<Credentials> {
  const namespace = await makeNamespace(cluster, 'e2e-users');
  for (const account of ['reader', 'stranger', 'viewer', 'peer']) {
    await cluster.kubectl(['create', 'serviceaccount', account, `--namespace=${namespace}`]);
  }
  const rights = JSON.stringify({
    apiVersion: 'v1',
    kind: 'List',
    items: [...readerRights(namespace), ...peerRights(namespace)],
  });
  await cluster.kubectl(['apply', '-f', '-'], { input: rights });
  const serverKubeconfig = path.join(folder, 'server-kubeconfig.json');
  const peerKubeconfig = path.join(folder, 'peer-kubeconfig.json');
  await writeKubeconfig(serverKubeconfig, await token('kube-system', 'kubegauge'));
  await writeKubeconfig(peerKubeconfig, await token(namespace, 'peer'));
  return {
    serverKubeconfig,
    peerKubeconfig,
    readerToken: await token(namespace, 'reader'),
    strangerToken: await token(namespace, 'stranger'),
    viewerToken: await token(namespace, 'viewer'),
    remove: async () => {
      await cluster.kubectl(['delete', '--ignore-not-found', '-f', '-'], { input: rights });
    },
  };

  async function writeKubeconfig(file: string, bearer: string): Promise<void> {
    await writeFile(file, JSON.stringify(await kubeconfig(cluster, bearer)), { mode: 0o600 });
  }

  async function token(accountNamespace: string, account: string): Promise<string> {
    const args = ['create', 'token', account, `--namespace=${accountNamespace}`, `--duration=${duration}`];
    return (await cluster.kubectl(args)).trim();
  }
}

/** Those of metrics-server's release, by our roles and Kubernetes'. */
function peerRights(namespace: string): (V1ClusterRoleBinding | V1RoleBinding)[] {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const subjects = [{ kind: 'ServiceAccount', name: 'peer', namespace }];
  const apiGroup = 'rbac.authorization.k8s.io';
  const roles = ['system:kubegauge', 'system:kubegauge-kubelets', 'system:auth-delegator'];
  return [
    ...roles.map((role) => ({
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata: { name: `kubegauge-e2e-peer:${role}` },
      roleRef: { apiGroup, kind: 'ClusterRole', name: role },
      subjects,
    })),
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata: { name: 'kubegauge-e2e-peer', namespace: 'kube-system' },
      roleRef: { apiGroup, kind: 'Role', name: 'extension-apiserver-authentication-reader' },
      subjects,
    },
  ];
}

function readerRights(namespace: string): (V1ClusterRole | V1ClusterRoleBinding)[] {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const bind = (binding: string, role: string, accounts = ['reader']): V1ClusterRoleBinding => ({
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name: binding },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: accounts.map((account) => ({ kind: 'ServiceAccount', name: account, namespace })),
  });
  return [
    {
      apiVersion,
      kind: 'ClusterRole',
      metadata: { name },
      rules: [
        { nonResourceURLs: ['/', '/metrics', '/status'], verbs: ['get'] },
        { apiGroups: ['metrics.k8s.io'], resources: ['nodes'], verbs: ['get', 'list'] },
      ],
    },
    bind(name, name),
    bind(`${name}-view`, 'view', ['reader', 'viewer']),
  ];
}

async function kubeconfig(cluster: Cluster, token: string): Promise<unknown> {
  const ca = (await readFile(cluster.caFile)).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: cluster.apiServerUrl, 'certificate-authority-data': ca } }],
    users: [{ name: 'metrics-server', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'metrics-server' } }],
    'current-context': 'test',
  };
}
