/** Checks that the accounts of the server have every right that it needs. */
import { type Check, type CheckContext, tolerant } from '../check.ts';
import type { AccessAttributes } from '../../client/accessreview.ts';
import type { ServiceAccount } from '../../client/tokenrequest.ts';
import type { Finding } from '../finding.ts';
import { withInput } from '../remedy.ts';
import { flagIn, separateAccountIn } from '../flagwords.ts';
import { findKubeletAccount, mayAccount } from '../kubeletaccount.ts';
import { exposedRights } from './exposedrights.ts';
import { applyManifests } from './manifests.ts';
import { registeredVersions, type ServiceAddress, servicesOf } from './registration.ts';
import { type GrantingRole, type NeededRight, rightsOf } from './rights.ts';
import { kindOfImage, type PodBehindService, podsBehind, type ServerKind, servingContainer } from './servingpods.ts';

export const rightsCheck: Check = {
  name: 'rights',
  title: "the rights of the server's ServiceAccounts",
  codes: ['right-missing', 'kubelet-account-writes'],
  run,
};

async function* run(context: CheckContext): AsyncIterable<Finding> {
  const versions = await registeredVersions(context.api);
  for (const address of servicesOf(versions)) {
    yield* tolerant(async function* ofService() {
      const pods = await podsBehind(context.api, address);
      const running = pods.filter(({ ended, deleting }) => !ended && !deleting);
      const servers = await distinct(context, running, address);
      const shown = servers.flatMap((server) => server.shown ?? []);
      const unverified = versions.filter(({ insecure }) => insecure).map(({ name }) => name);
      for (const server of servers) {
        yield* checkRights(context, server, { shown, unverified });
        const own = server.accounts.server;
        if (server.shown !== undefined && server.kind !== 'another server')
          yield* exposedRights(context, { shown: server.shown, own, unverified });
      }
    });
  }
}

interface InstalledServer {
  readonly kind: ServerKind;
  readonly rights: readonly NeededRight[];
  readonly accounts: Readonly<Record<NeededRight['account'], ServiceAccount>>;
  /** The account whose token goes to kubelets; undefined through the node proxy. */
  readonly shown: ServiceAccount | undefined;
}

/** Pods of one template have the same accounts. */
async function distinct(
  context: CheckContext,
  pods: readonly PodBehindService[],
  address: ServiceAddress,
): Promise<readonly InstalledServer[]> {
  const servers = await Promise.all(pods.map((pod) => serverIn(context, pod, address)));
  return [...new Map(servers.flatMap((each) => (each === undefined ? [] : [[JSON.stringify(each), each]]))).values()];
}

async function serverIn(
  context: CheckContext,
  { containers, namespace, account }: PodBehindService,
  address: ServiceAddress,
): Promise<InstalledServer | undefined> {
  const container = servingContainer(containers);
  if (container === undefined) return undefined;
  const kind = kindOfImage(container.image);
  const { words } = container;
  // A server without the flag writes nothing, also where it finds the account of our manifests.
  const kubelets = separateAccountIn(words, namespace);
  const service = { namespace, name: flagIn(words, 'service-name') ?? address.name };
  const own = { namespace, name: account };
  const usesProxy = flagIn(words, 'kubelet-connection') === 'proxy';
  const hasCertificateFiles = flagIn(words, 'tls-cert-file') !== undefined;
  const rights = rightsOf({ kind, kubelets, service, usesProxy, hasCertificateFiles });
  const isKubegauge = kind === 'kubegauge';
  const accounts = {
    server: own,
    kubelets: usesProxy ? (kubelets ?? own) : await findKubeletAccount(context, { isKubegauge, words, own }),
  };
  return { kind, rights, accounts, shown: usesProxy ? undefined : accounts.kubelets };
}

interface ExposedInstallation {
  /** Accounts whose tokens go to kubelets. */
  readonly shown: readonly ServiceAccount[];
  /** APIServices with insecureSkipTLSVerify. */
  readonly unverified: readonly string[];
}

async function* checkRights(
  context: CheckContext,
  { kind, rights, accounts }: InstalledServer,
  { shown, unverified }: ExposedInstallation,
): AsyncIterable<Finding> {
  const missing: NeededRight[] = [];
  for (const right of rights) if (!(await isGranted(context, right, accounts))) missing.push(right);
  // One remedy for each role.
  for (const [key, ofRole] of Map.groupBy(missing, ({ account, role }) => `${account} ${role.kind} ${role.name}`)) {
    const [first] = ofRole;
    if (first === undefined) continue;
    const account = accounts[first.account];
    const isRefused = ofRole.some(isDangerous) && isShown(account, shown);
    const problem = `it may not ${ofRole.map(rightText).join(', ')}`;
    yield {
      code: 'right-missing',
      severity: 'error',
      object: `ServiceAccount ${account.namespace}/${account.name}`,
      problem: isRefused
        ? `${problem}, and must not get that: its token goes to kubelets, and a kubelet could use the right`
        : problem,
      evidence: `SubjectAccessReview; granted in manifests/ by ${key.slice(key.indexOf(' ') + 1)}`,
      remedy: isRefused
        ? applyManifests(unverified, 'where the server runs as ServiceAccount kubegauge, whose token no kubelet gets')
        : withInput('kubectl auth reconcile -f -', JSON.stringify(grant(kind, first.role, ofRole, account))),
    };
  }
}

const readVerbs = new Set(['get', 'list', 'watch']);

/** Reports whether a kubelet could do harm with the right. Kubernetes' own role for servers creates reviews, which change nothing. */
function isDangerous({ verb, resource, role }: NeededRight): boolean {
  return role.builtIn !== true && (!readVerbs.has(verb) || resource === asGoodAsRoot);
}

const asGoodAsRoot = 'nodes/proxy';

/** Pods of metrics-server show their account to kubelets, also those that `kubectl rollout undo` brings back. */
function isShown({ namespace, name }: ServiceAccount, shown: readonly ServiceAccount[]): boolean {
  return name === 'metrics-server' || shown.some((each) => each.namespace === namespace && each.name === name);
}

function isGranted(context: CheckContext, right: NeededRight, accounts: InstalledServer['accounts']): Promise<boolean> {
  const [resource = '', subresource = ''] = right.resource.startsWith('/') ? [] : right.resource.split('/');
  const { verb, group, namespace, name } = right;
  const attributes: AccessAttributes = right.resource.startsWith('/')
    ? { verb, nonResourcePath: right.resource }
    : {
        verb,
        group,
        resource,
        subresource,
        ...(namespace === undefined ? {} : { namespace }),
        ...(name === undefined ? {} : { name }),
      };
  return mayAccount(context, attributes, accounts[right.account], right.account);
}

function rightText({ verb, group, resource, namespace, name }: NeededRight): string {
  const what = group === '' || resource.startsWith('/') ? resource : `${resource}.${group}`;
  // The remedy can be pasted, so it must not grant this unnoticed.
  const warning = resource === asGoodAsRoot ? ' (as good as root on the nodes)' : '';
  return `${verb} ${what}${name === undefined ? '' : ` ${namespace ?? ''}/${name}`}${warning}`;
}

const rbac = 'rbac.authorization.k8s.io';

/** Returns the role and its binding; `kubectl auth reconcile` adds what is missing, and removes nothing. */
function grant(
  server: ServerKind,
  role: GrantingRole,
  rights: readonly NeededRight[],
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

function ruleOf({ verb, group, resource, name }: NeededRight): object {
  if (resource.startsWith('/')) return { nonResourceURLs: [resource], verbs: [verb] };
  return {
    apiGroups: [group],
    resources: [resource],
    verbs: [verb],
    ...(name === undefined ? {} : { resourceNames: [name] }),
  };
}
