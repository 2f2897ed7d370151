/** Checks that the accounts of the server have every right that it needs. */
import { type Check, type CheckContext, tolerant } from '../check.ts';
import type { ServiceAccount } from '../../client/tokenrequest.ts';
import type { Finding } from '../finding.ts';
import { withInput } from '../remedy.ts';
import { flagIn, separateAccountIn } from '../flagwords.ts';
import { mayAccount } from '../kubeletaccount.ts';
import { findServer, type FoundServer, unknownServer } from '../nodes/installation.ts';
import { UncheckedError } from '../uncheckederror.ts';
import { exposedRights } from './exposedrights.ts';
import { fitsManifests } from './manifests.ts';
import { checkReaders } from './readers.ts';
import { registeredVersions, type ServiceAddress, servicesOf } from './registration.ts';
import { attributesOf, grant, rightText } from './rightgrants.ts';
import { type NeededRight, rightsOf } from './rights.ts';
import { kindOfImage, type PodBehindService, podsBehind, type ServerKind, servingContainer } from './servingpods.ts';
import { type ExposedAccounts, refusalOf, shownAccount } from './shownaccounts.ts';

export const rightsCheck: Check = {
  name: 'rights',
  title: "the rights of the server's ServiceAccounts, and of users to read metrics",
  codes: ['right-missing', 'kubelet-account-writes', 'readers-missing'],
  run,
};

async function* run(context: CheckContext): AsyncIterable<Finding> {
  const versions = await registeredVersions(context.api);
  // Pods behind several Services may share an account.
  const found = (await findServer(context).catch(unknownIfUnchecked)).exposed.shown;
  for (const address of servicesOf(versions)) {
    yield* tolerant(async function* ofService() {
      const pods = await podsBehind(context.api, address);
      const running = pods.filter(({ ended, deleting }) => !ended && !deleting);
      const servers = await distinct(context, running, address);
      const unverified = versions.filter(({ insecure }) => insecure).map(({ name }) => name);
      const present = { unverified, isInPlace: await fitsManifests(context.api, pods) };
      const shown = [...found, ...servers.flatMap((server) => server.shown ?? [])];
      for (const server of servers) {
        yield* checkRights(context, server, { shown, present });
        const own = server.accounts.server;
        if (server.shown !== undefined && server.kind !== 'another server')
          yield* exposedRights(context, { shown: server.shown, own, present });
      }
    });
  }
  if (versions.length > 0) yield* tolerant(() => checkReaders(context));
}

/** The check of each Service says what cannot be read. */
function unknownIfUnchecked(error: unknown): FoundServer {
  if (error instanceof UncheckedError) return unknownServer;
  throw error;
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
  pod: PodBehindService,
  address: ServiceAddress,
): Promise<InstalledServer | undefined> {
  const { containers, namespace, account } = pod;
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
  const shown = await shownAccount(context, pod);
  return { kind, rights, accounts: { server: own, kubelets: shown ?? kubelets ?? own }, shown };
}

async function* checkRights(
  context: CheckContext,
  { kind, rights, accounts }: InstalledServer,
  exposed: ExposedAccounts,
): AsyncIterable<Finding> {
  const missing: NeededRight[] = [];
  for (const right of rights) if (!(await isGranted(context, right, accounts))) missing.push(right);
  // One remedy for each role.
  for (const [key, ofRole] of Map.groupBy(missing, ({ account, role }) => `${account} ${role.kind} ${role.name}`)) {
    const [first] = ofRole;
    if (first === undefined) continue;
    const account = accounts[first.account];
    const refusal = refusalOf(ofRole, account, exposed);
    const problem = `it may not ${ofRole.map(rightText).join(', ')}`;
    yield {
      code: 'right-missing',
      severity: 'error',
      object: `ServiceAccount ${account.namespace}/${account.name}`,
      problem: refusal === undefined ? problem : `${problem}, ${refusal.because}`,
      evidence: `SubjectAccessReview; granted in manifests/ by ${key.slice(key.indexOf(' ') + 1)}`,
      remedy:
        refusal?.remedy ??
        withInput('kubectl auth reconcile -f -', JSON.stringify(grant(kind, first.role, ofRole, account))),
    };
  }
}

function isGranted(context: CheckContext, right: NeededRight, accounts: InstalledServer['accounts']): Promise<boolean> {
  return mayAccount(context, attributesOf(right), accounts[right.account], right.account);
}
