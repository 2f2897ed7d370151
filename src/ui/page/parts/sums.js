/** Adds up pods to namespaces and workloads. */
import { hasUsage, usedOfRequest } from '../format.js';

/** @import { Measurement, PodView, ResourceView } from '../../../view/types.ts' */

/**
 * `ofRequest` compares the same pods: those that request something and have usage, of all their containers. Without any, `used` is not known.
 * @typedef {Pick<ResourceView, 'used' | 'requested'> & { readonly ofRequest: { readonly used?: number, readonly of?: number } }} GroupResource
 */

/**
 * @typedef {object} PodGroup
 * @property {string} key
 * @property {readonly PodView[]} pods
 * @property {number} count Pods that have not ended: only these count, as in the sums of nodes.
 * @property {number} missing Of these, the ones without usage.
 * @property {number} partial Of these, the ones with usage of which a container has none.
 * @property {GroupResource} cpu
 * @property {GroupResource} memory
 * @property {number} restarts Of all pods.
 * @property {number | undefined} timestampMs Of the oldest usage.
 */

/**
 * @param {readonly PodView[]} pods
 * @param {(pod: PodView) => string} keyOf
 * @returns {PodGroup[]}
 */
export function groupsOf(pods, keyOf) {
  return [...Map.groupBy(pods, keyOf)].map(([key, members]) => groupOf(key, members));
}

/** @param {string} key @param {readonly PodView[]} pods @returns {PodGroup} */
export function groupOf(key, pods) {
  const counted = pods.filter((pod) => !hasEnded(pod));
  const times = counted.flatMap(({ timestampMs }) => timestampMs ?? []);
  return {
    key,
    pods,
    count: counted.length,
    missing: counted.filter((pod) => !hasUsage(pod)).length,
    partial: counted.filter(({ cpu }) => cpu.isPartial).length,
    cpu: sumOfViews(counted.map(({ cpu }) => cpu)),
    memory: sumOfViews(counted.map(({ memory }) => memory)),
    restarts: pods.reduce((sum, pod) => sum + pod.restarts, 0),
    timestampMs: times.length === 0 ? undefined : times.reduce((oldest, time) => Math.min(oldest, time)),
  };
}

/** @param {PodView} pod */
const hasEnded = ({ phase }) => phase === 'Succeeded' || phase === 'Failed';

/** @param {readonly ResourceView[]} views @returns {GroupResource} */
function sumOfViews(views) {
  const used = sum(views.map((view) => view.used));
  const requested = sum(views.map((view) => view.requested));
  const compared = views.filter((view) => view.requested !== undefined && usedOfRequest(view) !== undefined);
  const comparedUsed = sum(compared.map(usedOfRequest));
  const of = comparedUsed === undefined ? requested : sum(compared.map((view) => view.requested));
  return {
    ...(used === undefined ? {} : { used }),
    ...(requested === undefined ? {} : { requested }),
    ofRequest: { ...(comparedUsed === undefined ? {} : { used: comparedUsed }), ...(of === undefined ? {} : { of }) },
  };
}

/** Returns undefined where no value is known. @param {readonly (number | undefined)[]} values */
function sum(values) {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((total, value) => total + value, 0);
}

/**
 * Returns why no pod of a group has usage, or undefined where one has.
 * @param {PodGroup} group
 */
export function whyUnmeasured(group) {
  const { pods, count, missing } = group;
  if (missing < count) return undefined;
  const [reason, other] = [...new Set(pods.filter((pod) => !hasEnded(pod)).map((pod) => pod.reason))];
  return other === undefined && reason !== undefined ? reason : groupMeasurement(group).reason;
}

/** Of pods without a controller. */
const aloneKind = 'Pod';

/** @param {PodView} pod */
export const workloadOf = ({ workload, name }) => workload ?? { kind: aloneKind, name };

/** @param {PodView} pod */
export const workloadKey = (pod) => `${workloadOf(pod).kind}/${workloadOf(pod).name}`;

/**
 * Returns the label of each pod's workload, by the pod's name: the workload's name, with its kind where another kind has that name, too.
 * @param {readonly PodView[]} pods of one namespace
 * @returns {ReadonlyMap<string, string>}
 */
export function workloadLabels(pods) {
  const workloads = new Map(pods.map((pod) => [workloadKey(pod), workloadOf(pod)]));
  const named = Map.groupBy(workloads.values(), ({ name }) => name);
  return new Map(
    pods.map((pod) => {
      const { kind, name } = workloadOf(pod);
      return [pod.name, (named.get(name)?.length ?? 0) > 1 ? `${name} (${kind})` : name];
    }),
  );
}

/**
 * Says when the group's usage was measured, and for how many pods it is missing.
 * @param {PodGroup} group
 * @returns {import('../../../view/types.ts').Measurement}
 */
export function groupMeasurement({ pods, count, missing, partial, timestampMs }) {
  const notes = [
    ...(missing === 0 ? [] : [`${missing} of ${count} pods have no usage`]),
    ...(partial === 0 ? [] : [`${partial} of ${count} pods lack the usage of a container`]),
  ];
  const some = notes.length === 0 ? undefined : notes.join('; ');
  const reason = count === 0 && pods.length > 0 ? 'all of its pods have ended' : some;
  const source = commonSource(pods);
  return {
    ...(timestampMs === undefined ? {} : { timestampMs }),
    ...(source === undefined ? {} : { source }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Returns the source that all usages are of; undefined if there are several, or one is not known. @param {readonly Measurement[]} measured */
export function commonSource(measured) {
  const sources = new Set(measured.flatMap((each) => (each.timestampMs === undefined ? [] : [each.source])));
  return sources.size === 1 ? [...sources][0] : undefined;
}
