/** Checks for two metrics servers that fight: behind one Service, for one APIService, or side by side. */
import { field, text, textMap } from '../../client/json.ts';
import { type Check, type CheckContext, tolerant } from '../check.ts';
import type { Finding } from '../finding.ts';
import { command, comment } from '../remedy.ts';
import {
  helmRelease,
  lastAppliedAnnotation,
  readValueApis,
  type RegisteredVersion,
  registeredVersions,
  type ServiceAddress,
  serviceObject,
  servicesOf,
  valueApiNames,
} from './registration.ts';
import {
  getService,
  kindOfImage,
  type PodBehindService,
  podsBehind,
  readTemplate,
  selects,
  servingContainer,
} from './servingpods.ts';

export const installationsCheck: Check = {
  name: 'installations',
  title: 'two metrics servers, or two programs that write the same APIService',
  codes: ['two-deployments', 'two-writers', 'addon-manager', 'second-installation'],
  run,
};

async function* run(context: CheckContext): AsyncIterable<Finding> {
  const { api } = context;
  const versions = await registeredVersions(api);
  for (const version of versions) yield* writersOf(version);
  const serving: PodBehindService[] = [];
  for (const address of servicesOf(versions)) {
    yield* tolerant(async function* behind() {
      const pods = await podsBehind(api, address);
      serving.push(...pods);
      yield* deploymentsBehind(address, pods);
    });
  }
  const others = yield* readValueApis(context, valueApiNames, false);
  // Without one of them its server looks idle, and the remedy would delete it.
  if (others !== undefined)
    yield* tolerant(() => otherInstallations(context, serving, servicesOf([...versions, ...others])));
}

function* deploymentsBehind(address: ServiceAddress, pods: readonly PodBehindService[]): Iterable<Finding> {
  const running = pods.filter(({ ended, deleting, deployment }) => !ended && !deleting && deployment !== undefined);
  const deployments = [...Map.groupBy(running, ({ deployment = '' }) => deployment)];
  if (deployments.length < 2) return;
  const described = deployments.map(([name, [pod]]) => ({ name, image: imageOf(pod), created: pod?.created ?? '' }));
  // kubegauge replaces metrics-server; of two of a kind, the older one was there first.
  const sorted = described.toSorted(
    (a, b) =>
      Number(kindOfImage(b.image) === 'kubegauge') - Number(kindOfImage(a.image) === 'kubegauge') ||
      (a.created < b.created ? -1 : 1),
  );
  const [kept, ...surplus] = sorted;
  yield {
    code: 'two-deployments',
    severity: 'error',
    object: serviceObject(address),
    problem: 'pods of several Deployments answer for it, so numbers and errors change from request to request',
    evidence: described.map(({ name, image }) => `${name} runs ${image}`).join('; '),
    remedy: [comment(`keeps ${kept?.name}`), ...surplus.map(({ name, image }) => leaves(address, name, image))].join(
      '\n',
    ),
  };
}

/** Pods of another program carry the labels by mistake: it has its own use. */
function leaves({ namespace }: ServiceAddress, name: string, image: string): string {
  if (kindOfImage(image) !== 'another server')
    return command('kubectl', 'delete', 'deployment', '--namespace', namespace, name);
  const labels = comment(`${name} runs another program: give its pods other labels than the Service selects`);
  return `${labels}\n${command('kubectl', 'get', 'deployment', '--namespace', namespace, name, '--output=yaml')}`;
}

const imageOf = (pod: PodBehindService | undefined): string =>
  pod === undefined ? '' : (servingContainer(pod.containers)?.image ?? '');

const addonMode = 'addonmanager.kubernetes.io/mode';

function* writersOf({ name, annotations, labels }: RegisteredVersion): Iterable<Finding> {
  const release = annotations.get(helmRelease);
  if (release !== undefined && annotations.has(lastAppliedAnnotation)) {
    yield {
      code: 'two-writers',
      severity: 'warning',
      object: `APIService ${name}`,
      problem: `the Helm release ${release} and kubectl apply both write it; the next upgrade of one undoes the other`,
      evidence: `annotations ${helmRelease} and ${lastAppliedAnnotation}`,
      remedy: `# if Helm is to keep it\n${command('kubectl', 'annotate', 'apiservice', name, `${lastAppliedAnnotation}-`)}`,
    };
  }
  if (labels.get(addonMode) !== 'Reconcile') return;
  yield {
    code: 'addon-manager',
    severity: 'warning',
    object: `APIService ${name}`,
    problem: "the cluster's addon manager puts its own version back within a minute, whatever is applied",
    evidence: `label ${addonMode}=Reconcile`,
    remedy: `# only if the addon is switched off in the cluster's configuration\n${command('kubectl', 'label', 'apiservice', name, `${addonMode}-`)}`,
  };
}

function hasSelector(service: unknown): boolean {
  return textMap(field(field(service, 'spec'), 'selector')).size > 0;
}

/** A metrics server that no APIService of any group leads to costs scrapes, and may write the APIService when it is upgraded. */
async function* otherInstallations(
  { api }: CheckContext,
  serving: readonly PodBehindService[],
  addresses: readonly ServiceAddress[],
): AsyncIterable<Finding> {
  const services = await Promise.all(
    addresses.map(async (address) => ({ namespace: address.namespace, service: await getService(api, address) })),
  );
  const deployments = (await api.list('/apis/apps/v1/deployments')) ?? [];
  for (const deployment of deployments) {
    const image = readTemplate(deployment).find((each) => kindOfImage(each.image) !== 'another server')?.image;
    const metadata = field(deployment, 'metadata');
    const namespace = text(field(metadata, 'namespace')) ?? '';
    const name = text(field(metadata, 'name')) ?? '';
    // Also one whose pods have ended, or whose Service is gone or lost its selector: another check finds that.
    const isServing =
      serving.some((pod) => pod.namespace === namespace && pod.deployment === name) ||
      services.some(
        (each) => each.namespace === namespace && (!hasSelector(each.service) || selects(each.service, deployment)),
      );
    // One without pods behind the Service may be the only one, with a fault that another check explains.
    const isIdle = field(field(deployment, 'spec'), 'replicas') === 0;
    if (image === undefined || isServing || isIdle || serving.length === 0) continue;
    yield {
      code: 'second-installation',
      severity: 'warning',
      object: `Deployment ${namespace}/${name}`,
      problem: `it runs ${image}, but no APIService leads to it: it scrapes every kubelet for nothing`,
      remedy: command('kubectl', 'delete', 'deployment', '--namespace', namespace, name),
    };
  }
}
