/** Reads what explains an autoscaler that fails: its target, and the target's pods with their usages. */
import { field, items, text } from '../../client/json.ts';
import { readable } from '../check.ts';
import type { ClusterReader } from '../clusterreader.ts';
import { type PodFacts, parsePodFacts } from '../pods/podfacts.ts';
import { parseTimeMs } from '../times.ts';
import type { Autoscaler } from './autoscaler.ts';
import { type AutoscalerFacts, builtInTargetOf, groupOf } from './autoscalerfacts.ts';

interface ReadContext {
  readonly api: Pick<ClusterReader, 'get' | 'list'>;
}

export type AutoscalerDetails = Pick<AutoscalerFacts, 'targetNames' | 'selector' | 'pods' | 'usage'>;

/** Of an autoscaler whose target was not read. */
export const noDetails: AutoscalerDetails = {
  targetNames: undefined,
  selector: undefined,
  pods: undefined,
  usage: undefined,
};

/** Reads the target of an autoscaler, and its pods with their usages. @throws UncheckedError. */
export async function readAutoscalerDetails({ api }: ReadContext, autoscaler: Autoscaler): Promise<AutoscalerDetails> {
  const { namespace, target } = autoscaler;
  const objects = await targetPath({ api }, autoscaler);
  if (objects === undefined) return noDetails;
  const scale = await api.get(`${objects}/${encodeURIComponent(target.name)}/scale`);
  if (scale === undefined) {
    const all = await api.list(objects, { metadataOnly: true });
    return {
      ...noDetails,
      targetNames: all?.flatMap((object) => text(field(field(object, 'metadata'), 'name')) ?? []),
    };
  }
  const selector = text(field(field(scale, 'status'), 'selector')) || undefined;
  if (selector === undefined) return noDetails;
  return { targetNames: undefined, selector, ...(await readPods({ api }, namespace, selector)) };
}

async function readPods(
  { api }: ReadContext,
  namespace: string,
  selector: string,
): Promise<{ readonly pods: readonly PodFacts[]; readonly usage: ReadonlyMap<string, number> | undefined }> {
  const query = { labelSelector: selector };
  const inNamespace = `namespaces/${encodeURIComponent(namespace)}/pods`;
  const list = await api.list(`/api/v1/${inNamespace}`, { query });
  const usage = await readable(api.get(`/apis/metrics.k8s.io/v1beta1/${inNamespace}`, query), undefined);
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
async function targetPath({ api }: ReadContext, { namespace, target }: Autoscaler): Promise<string | undefined> {
  const { apiVersion, kind } = target;
  // It is part of a path.
  if (!/^(?:[a-z0-9.-]+\/)?[a-z0-9]*$/.test(apiVersion)) return undefined;
  const version = groupOf(apiVersion) === '' ? `/api/${apiVersion || 'v1'}` : `/apis/${apiVersion}`;
  const builtIn = builtInTargetOf(target);
  if (builtIn?.apiVersion === apiVersion)
    return `${version}/namespaces/${encodeURIComponent(namespace)}/${builtIn.resource}`;
  const resources = items(field(await api.get(version), 'resources'));
  const resource = resources.find(
    (each) => field(each, 'kind') === kind && text(field(each, 'name'))?.includes('/') === false,
  );
  const name = text(field(resource, 'name'));
  return name === undefined ? undefined : `${version}/namespaces/${encodeURIComponent(namespace)}/${name}`;
}
