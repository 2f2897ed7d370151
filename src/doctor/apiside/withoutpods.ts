/** Says why a Service selects no pods: its selector, a Deployment without replicas, or pods that cannot be created. */
import { conditionOf } from '../../client/conditions.ts';
import { field, items, text, textMap } from '../../client/json.ts';
import type { CheckContext } from '../check.ts';
import type { Finding } from '../finding.ts';
import { command, jsonPatch, mergePatch } from '../remedy.ts';
import { explainRefusal } from './podrefusals.ts';
import { type ServiceAddress, serviceObject } from './registration.ts';
import { applyKustomization, isManifestsSelector, stepsToManifests } from './manifests.ts';
import { isMetricsServer, labelsOfTemplate, selects } from './servingpods.ts';

export async function* withoutPods(
  context: CheckContext,
  address: ServiceAddress,
  service: unknown,
): AsyncIterable<Finding> {
  const { namespace } = address;
  const all = (await context.api.list(`/apis/apps/v1/namespaces/${namespace}/deployments`)) ?? [];
  const selector = textMap(field(field(service, 'spec'), 'selector'));
  const selected = all.find((deployment) => selects(service, deployment));
  if (selected !== undefined) {
    yield* withoutReplicas(context, address, selected);
    return;
  }
  const other = all.find(isMetricsServer);
  yield other === undefined ? serverMissing(address, selector) : selectorDiffers(address, selector, other);
}

async function* withoutReplicas(
  context: CheckContext,
  address: ServiceAddress,
  deployment: unknown,
): AsyncIterable<Finding> {
  const { namespace } = address;
  const name = nameOf(deployment);
  const object = `Deployment ${namespace}/${name}`;
  if (field(field(deployment, 'spec'), 'replicas') === 0) {
    yield {
      code: 'scaled-to-zero',
      severity: 'error',
      object,
      problem: `it has no replicas, so ${serviceObject(address)} leads nowhere`,
      remedy: command('kubectl', 'scale', 'deployment', '--namespace', namespace, name, '--replicas=1'),
    };
    return;
  }
  const failure = conditionOf(deployment, 'ReplicaFailure');
  if (failure?.status !== 'True') {
    yield {
      code: 'pods-not-created',
      severity: 'error',
      object,
      problem: 'it has no pods; they may be on their way',
      remedy: command('kubectl', 'describe', 'deployment', '--namespace', namespace, name),
    };
    return;
  }
  const { message } = failure;
  const again = command('kubectl', 'rollout', 'restart', '--namespace', namespace, `deployment/${name}`);
  const webhook = /failed calling webhook "([^"]+)"/.exec(message)?.[1];
  const finding =
    webhook === undefined ? undefined : await webhookFails(context, { namespace, webhook, again, evidence: message });
  const { problem, remedy } =
    webhook === undefined
      ? explainRefusal({ namespace, message, again })
      : {
          problem: `kube-apiserver refused its pods, as the webhook ${webhook} did not answer; it concerns them no more`,
          remedy: again,
        };
  yield finding ?? { code: 'pods-not-created', severity: 'error', object, problem, evidence: message, remedy };
}

const namespaceNameLabel = 'kubernetes.io/metadata.name';
const webhookKinds = ['validatingwebhookconfiguration', 'mutatingwebhookconfiguration'] as const;

interface FailedCall {
  readonly namespace: string;
  readonly webhook: string;
  /** As in `RefusedPods`. */
  readonly again: string;
  readonly evidence: string;
}

/** Excludes the namespace from the webhook: a webhook that needs metrics or runs on nodes must not block them. */
async function webhookFails(
  { api }: CheckContext,
  { namespace, webhook, again, evidence }: FailedCall,
): Promise<Finding | undefined> {
  for (const kind of webhookKinds) {
    const configurations = (await api.list(`/apis/admissionregistration.k8s.io/v1/${kind}s`)) ?? [];
    for (const configuration of configurations) {
      const webhooks = items(field(configuration, 'webhooks'));
      const index = webhooks.findIndex((each) => field(each, 'name') === webhook);
      if (index < 0) continue;
      const selector = field(webhooks[index], 'namespaceSelector');
      const expressions = items(field(selector, 'matchExpressions'));
      if (expressions.some((each) => excludes(each, namespace))) continue;
      const exclusion = { key: namespaceNameLabel, operator: 'NotIn', values: [namespace] };
      const value = { ...objectOf(selector), matchExpressions: [...expressions, exclusion] };
      return {
        code: 'webhook-fails',
        severity: 'error',
        object: `webhook ${webhook} of ${kind} ${nameOf(configuration)}`,
        problem: `it does not answer, and kube-apiserver creates no pod in ${namespace} without it; the remedy excludes the namespace`,
        evidence,
        remedy: `${jsonPatch(kind, undefined, nameOf(configuration), [
          // Another one may have its place by then.
          { op: 'test', path: `/webhooks/${index}/name`, value: webhook },
          { op: 'add', path: `/webhooks/${index}/namespaceSelector`, value },
        ])}\n${again}`,
      };
    }
  }
  return undefined;
}

/** Reports whether an expression of a namespaceSelector excludes the namespace by its name. */
function excludes(expression: unknown, namespace: string): boolean {
  const isByName = field(expression, 'key') === namespaceNameLabel && field(expression, 'operator') === 'NotIn';
  return isByName && items(field(expression, 'values')).includes(namespace);
}

function serverMissing(address: ServiceAddress, selector: ReadonlyMap<string, string>): Finding {
  const why = 'which have a server';
  return {
    code: 'server-missing',
    severity: 'error',
    object: serviceObject(address),
    problem: `it selects no pod, and no Deployment in ${address.namespace} runs a metrics server`,
    // Apply merges selectors: with further labels, this one would select no pod of the manifests.
    remedy: isManifestsSelector(selector) ? applyKustomization(why) : stepsToManifests(why),
  };
}

function selectorDiffers(address: ServiceAddress, selector: ReadonlyMap<string, string>, deployment: unknown): Finding {
  const labels = textMap(field(field(field(deployment, 'spec'), 'selector'), 'matchLabels'));
  const unwanted = [...selector.keys()].filter((key) => !labels.has(key)).map((key): [string, null] => [key, null]);
  const { namespace, name } = address;
  return {
    code: 'selector-differs',
    severity: 'error',
    object: serviceObject(address),
    problem: `its selector matches no pod of Deployment ${namespace}/${nameOf(deployment)}`,
    evidence: `selector ${labelText(selector)}; labels of the pods ${labelText(labelsOfTemplate(deployment))}`,
    remedy: mergePatch('service', namespace, name, {
      spec: { selector: { ...Object.fromEntries(unwanted), ...Object.fromEntries(labels) } },
    }),
  };
}

const labelText = (labels: ReadonlyMap<string, string>): string =>
  [...labels].map(([key, value]) => `${key}=${value}`).join(',') || 'none';

const nameOf = (object: unknown): string => text(field(field(object, 'metadata'), 'name')) ?? '';

const objectOf = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {});
