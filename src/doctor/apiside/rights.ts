/** The rights that a metrics server needs, as data. `docs/permissions.md` says why; a test compares both. */
import type { ServiceAccount } from '../../client/tokenrequest.ts';
import type { ServerKind } from './servingpods.ts';

export interface NeededRight {
  readonly account: 'server' | 'kubelets';
  readonly verb: string;
  /** Empty for the core group. */
  readonly group: string;
  /** With its subresource, or a path that begins with a slash. */
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly role: GrantingRole;
  /** Which servers need it: all, or kubegauge with an identity of its own for kubelets. */
  readonly neededBy: 'all' | 'separate-identity';
}

export interface GrantingRole {
  readonly kind: 'ClusterRole' | 'Role';
  readonly name: string;
  readonly namespace?: string;
  /** Whether Kubernetes makes the role, so that only its binding may be missing. */
  readonly builtIn?: boolean;
}

const own: GrantingRole = { kind: 'ClusterRole', name: 'system:kubegauge' };
const ofKubelets: GrantingRole = { kind: 'ClusterRole', name: 'system:kubegauge-kubelets' };
const delegator: GrantingRole = { kind: 'ClusterRole', name: 'system:auth-delegator', builtIn: true };
const reader: GrantingRole = {
  kind: 'Role',
  name: 'extension-apiserver-authentication-reader',
  namespace: 'kube-system',
  builtIn: true,
};
const tokens: GrantingRole = { kind: 'Role', name: 'kubegauge-kubelet-tokens', namespace: 'kube-system' };

const caBundle: GrantingRole = { kind: 'ClusterRole', name: 'system:kubegauge-ca-bundle' };
const service: GrantingRole = { kind: 'Role', name: 'kubegauge-service', namespace: 'kube-system' };

const server = { account: 'server', group: '' } as const;
const configMap = {
  ...server,
  resource: 'configmaps',
  namespace: 'kube-system',
  name: 'extension-apiserver-authentication',
  role: reader,
  neededBy: 'all',
} as const;

/** Without a separate identity for kubelets the server writes nothing. */
const apiServices = ['v1.metrics.k8s.io', 'v1beta1.metrics.k8s.io'].flatMap((name) =>
  ['get', 'watch', 'patch'].map(
    (verb): NeededRight => ({
      account: 'server',
      verb,
      group: 'apiregistration.k8s.io',
      resource: 'apiservices',
      name,
      role: caBundle,
      neededBy: 'separate-identity',
    }),
  ),
);

/** The rights that manifests/base grants and the server uses. */
export const neededRights: readonly NeededRight[] = [
  { ...server, verb: 'list', resource: 'nodes', role: own, neededBy: 'all' },
  { ...server, verb: 'watch', resource: 'nodes', role: own, neededBy: 'all' },
  { ...server, verb: 'list', resource: 'pods', role: own, neededBy: 'all' },
  { ...server, verb: 'watch', resource: 'pods', role: own, neededBy: 'all' },
  { ...server, verb: 'get', resource: '/status', role: own, neededBy: 'separate-identity' },
  {
    ...server,
    verb: 'create',
    resource: 'serviceaccounts/token',
    namespace: 'kube-system',
    name: 'kubegauge-kubelets',
    role: tokens,
    neededBy: 'separate-identity',
  },
  ...apiServices,
  {
    ...server,
    verb: 'get',
    resource: 'services',
    namespace: 'kube-system',
    name: 'metrics-server',
    role: service,
    neededBy: 'separate-identity',
  },
  {
    account: 'server',
    verb: 'list',
    group: 'discovery.k8s.io',
    resource: 'endpointslices',
    namespace: 'kube-system',
    role: service,
    neededBy: 'separate-identity',
  },
  {
    account: 'server',
    verb: 'create',
    group: 'authentication.k8s.io',
    resource: 'tokenreviews',
    role: delegator,
    neededBy: 'all',
  },
  {
    account: 'server',
    verb: 'create',
    group: 'authorization.k8s.io',
    resource: 'subjectaccessreviews',
    role: delegator,
    neededBy: 'all',
  },
  { ...configMap, verb: 'list' },
  { ...configMap, verb: 'watch' },
  { account: 'kubelets', verb: 'get', group: '', resource: 'nodes/metrics', role: ofKubelets, neededBy: 'all' },
];

/** The right that manifests/components/kubelet-proxy adds. */
const proxyRight: NeededRight = { ...server, verb: 'get', resource: 'nodes/proxy', role: own, neededBy: 'all' };

export interface RightsOptions {
  readonly kind: ServerKind;
  /** The account of kubelets' tokens; undefined if kubelets get the server's own. */
  readonly kubelets: ServiceAccount | undefined;
  readonly service: { readonly namespace: string; readonly name: string };
  /** Whether kubelets are read through kube-apiserver, which shows them its own certificate. */
  readonly usesProxy: boolean;
  /** Whether the serving certificate comes from files, so that caBundle is not ours. */
  readonly hasCertificateFiles: boolean;
}

/** Returns the rights of one installation, with its names and namespaces instead of those of manifests/base. */
export function rightsOf(options: RightsOptions): readonly NeededRight[] {
  const { kind, kubelets, service: named, usesProxy, hasCertificateFiles } = options;
  if (kind === 'another server') return [];
  const isSeparate = kind === 'kubegauge' && (kubelets !== undefined || usesProxy);
  const needless = [
    ...(usesProxy ? [tokens, ofKubelets] : []),
    // The Service is read only for caBundle.
    ...(hasCertificateFiles ? [caBundle, service] : []),
  ];
  const needed = neededRights
    .filter(({ neededBy, role }) => (neededBy === 'all' || isSeparate) && !needless.includes(role))
    .map((right) => {
      if (right.role === tokens && kubelets !== undefined) return withPlace(right, kubelets);
      return right.role === service ? withPlace(right, named) : right;
    });
  return usesProxy ? [...needed, proxyRight] : needed;
}

function withPlace(right: NeededRight, { namespace, name }: ServiceAccount): NeededRight {
  return { ...right, namespace, ...(right.name !== undefined && { name }), role: { ...right.role, namespace } };
}
