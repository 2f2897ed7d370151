/** Checks HorizontalPodAutoscalers: which do nothing, and why. */
import { field, items, text } from '../../client/json.ts';
import { type Check, type CheckContext, tolerant } from '../check.ts';
import type { Finding } from '../finding.ts';
import { type PodFacts, parsePodFacts } from '../pods/podfacts.ts';
import { parseTimeMs } from '../times.ts';
import { type Autoscaler, failureOf, parseAutoscaler } from './autoscaler.ts';
import { type AutoscalerFacts, builtInTargets, groupOf } from './autoscalerfacts.ts';
import { autoscalerCodes } from './autoscalerproblem.ts';
import { explainAutoscaler } from './explainautoscaler.ts';
import { isYoungerRival, rivalsOf } from './targetproblems.ts';

/** Autoscalers whose targets and pods are read. Of others, only the conditions are explained. */
const detailLimit = 50;

export const autoscalerCheck: Check = {
  name: 'autoscalers',
  title: 'HorizontalPodAutoscalers and why they fail',
  codes: autoscalerCodes,
  run: checkAutoscalers,
};

async function* checkAutoscalers(context: CheckContext): AsyncIterable<Finding> {
  const list = await context.api.list('/apis/autoscaling/v2/horizontalpodautoscalers');
  const autoscalers = (list ?? []).flatMap((object) => parseAutoscaler(object) ?? []);
  const byNamespace = Map.groupBy(autoscalers, ({ namespace }) => namespace);
  let detailed = 0;
  for (const autoscaler of autoscalers) {
    const others = (byNamespace.get(autoscaler.namespace) ?? []).filter((other) => other !== autoscaler);
    // One finding for all of them: the command that deletes the younger ones succeeds only once.
    if (isYoungerRival(autoscaler, others)) continue;
    const isDetailed =
      failureOf(autoscaler) !== undefined && detailed < detailLimit && rivalsOf(autoscaler, others).length === 0;
    if (isDetailed) detailed += 1;
    yield* tolerant(() => checkOne(context, autoscaler, others, isDetailed));
  }
}

async function* checkOne(
  context: CheckContext,
  autoscaler: Autoscaler,
  others: readonly Autoscaler[],
  isDetailed: boolean,
): AsyncIterable<Finding> {
  const details = isDetailed ? await readDetails(context, autoscaler) : unread;
  const finding = explainAutoscaler({ autoscaler, others, nowMs: context.nowMs(), ...details });
  if (finding !== undefined) yield finding;
}

type Details = Pick<AutoscalerFacts, 'targetNames' | 'selector' | 'pods' | 'usage'>;

const unread: Details = { targetNames: undefined, selector: undefined, pods: undefined, usage: undefined };

async function readDetails({ api }: CheckContext, autoscaler: Autoscaler): Promise<Details> {
  const { namespace, target } = autoscaler;
  const objects = await targetPath({ api }, autoscaler);
  if (objects === undefined) return unread;
  const scale = await api.get(`${objects}/${encodeURIComponent(target.name)}/scale`);
  if (scale === undefined) {
    const all = await api.list(objects, { metadataOnly: true });
    return { ...unread, targetNames: all?.flatMap((object) => text(field(field(object, 'metadata'), 'name')) ?? []) };
  }
  const selector = text(field(field(scale, 'status'), 'selector')) || undefined;
  if (selector === undefined) return unread;
  return { targetNames: undefined, selector, ...(await readPods({ api }, namespace, selector)) };
}

async function readPods(
  { api }: Pick<CheckContext, 'api'>,
  namespace: string,
  selector: string,
): Promise<{ readonly pods: readonly PodFacts[]; readonly usage: ReadonlyMap<string, number> | undefined }> {
  const query = { labelSelector: selector };
  const inNamespace = `namespaces/${encodeURIComponent(namespace)}/pods`;
  const list = await api.list(`/api/v1/${inNamespace}`, { query });
  const usage = await api.get(`/apis/metrics.k8s.io/v1beta1/${inNamespace}`, query).catch(() => undefined);
  return {
    pods: (list ?? []).flatMap((object) => parsePodFacts(object) ?? []),
    usage: usage === undefined ? undefined : timesOf(usage),
  };
}

function timesOf(list: unknown): ReadonlyMap<string, number> {
  return new Map(
    items(field(list, 'items')).map((item) => [
      text(field(field(item, 'metadata'), 'name')) ?? '',
      parseTimeMs(field(item, 'timestamp')) ?? 0,
    ]),
  );
}

/** Returns the path of the target's kind in its namespace; undefined if no API has the kind. */
async function targetPath(
  { api }: Pick<CheckContext, 'api'>,
  { namespace, target: { apiVersion, kind } }: Autoscaler,
): Promise<string | undefined> {
  // It is part of a path.
  if (!/^(?:[a-z0-9.-]+\/)?[a-z0-9]*$/.test(apiVersion)) return undefined;
  const version = groupOf(apiVersion) === '' ? `/api/${apiVersion || 'v1'}` : `/apis/${apiVersion}`;
  const builtIn = Object.hasOwn(builtInTargets, kind) ? builtInTargets[kind] : undefined;
  if (builtIn?.apiVersion === apiVersion)
    return `${version}/namespaces/${encodeURIComponent(namespace)}/${builtIn.resource}`;
  const resources = items(field(await api.get(version), 'resources'));
  const resource = resources.find(
    (each) => field(each, 'kind') === kind && text(field(each, 'name'))?.includes('/') === false,
  );
  const name = text(field(resource, 'name'));
  return name === undefined ? undefined : `${version}/namespaces/${encodeURIComponent(namespace)}/${name}`;
}
