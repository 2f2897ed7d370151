/** Why there is no number: of pods, nodes and autoscalers, in the words of the doctor and of the server. */
import { neverAborted } from '../abort.ts';
import { noSampleReason } from '../api/missing.ts';
import type { StatusCause } from '../apimachinery/meta.ts';
import { mapLimited } from '../client/limited.ts';
import { explainAutoscaler } from '../doctor/autoscalers/explainautoscaler.ts';
import { type AutoscalerDetails, noDetails, readAutoscalerDetails } from '../doctor/autoscalers/autoscalerdetails.ts';
import { failureOf } from '../doctor/autoscalers/autoscaler.ts';
import { readable } from '../doctor/check.ts';
import { createRivalFinder } from '../doctor/autoscalers/targetproblems.ts';
import { hasEnded, type PodFacts } from '../doctor/pods/podfacts.ts';
import { causeOfMissing, type PodUsageFacts } from '../doctor/pods/podproblems.ts';
import { UncheckedError } from '../doctor/uncheckederror.ts';
import { field, items, text } from '../client/json.ts';
import { foreignText } from '../foreigntext.ts';
import type { AutoscalerObject } from './autoscalerviews.ts';
import type { NodeParts } from './nodeviews.ts';
import { nodeMetrics, objectPath, podMetrics } from './paths.ts';
import { keyOf, type PodObject, stoppedContainer, stopReasonOf } from './podviews.ts';
import type { Reads } from './reads.ts';
import { ViewError } from './viewerror.ts';

/** Objects without usage that the server is asked about for one view. With more of them, causes repeat. */
const askLimit = 20;
/** Requests at a time. */
const concurrency = 4;
/** Autoscalers that fail whose targets are read for one view. */
const detailLimit = 10;
/** Pods of a target, or objects of its kind, that are read: one page. */
const targetListLimit = 500;

/** Returns sentences by `namespace/name`. @param pods without usage. */
export async function podReasons(
  reads: Reads,
  pods: readonly PodObject[],
  nodes: NodeParts,
): Promise<ReadonlyMap<string, string>> {
  const known = nodesToExplain(nodes);
  // Nodes that were read before the latest failure say nothing about a newer one.
  const withoutNodes = { ...known, nodes: undefined };
  const isOld = nodes.known.problem !== undefined;
  const nodesOf = ({ node = '' }: PodFacts) => (isOld && known.nodes?.has(node) !== true ? withoutNodes : known);
  const own = pods.map((pod) => [pod, ownReason(pod, nodesOf(pod.facts), reads.nowMs())] as const);
  const asked = own.flatMap(([pod, { isServers }]) => (isServers ? [pod] : []));
  const causes = await askServer(reads, asked, (pod) => {
    const { namespace, name } = pod.view;
    return { path: objectPath(podMetrics(namespace), name), key: keyOf(pod) };
  });
  const isPrometheus = [...causes.values()].flat().some(({ reason }) => reason === noSampleReason);
  const wordsOf = ({ reason, ofPrometheus = reason }: OwnReason) => (isPrometheus ? ofPrometheus : reason);
  return new Map([...own.map(([pod, reason]) => [keyOf(pod), wordsOf(reason)] as const), ...sentencesOf(causes)]);
}

/** Returns sentences by node name. @param nodes without usage. */
export async function nodeReasons(reads: Reads, nodes: readonly string[]): Promise<ReadonlyMap<string, string>> {
  return new Map(sentencesOf(await askServer(reads, nodes, (key) => ({ path: objectPath(nodeMetrics, key), key }))));
}

type Causes = ReadonlyMap<string, readonly StatusCause[]>;

/** Returns the causes of 404s, which say it best; metrics-server gives none. */
async function askServer<T>(
  reads: Reads,
  objects: readonly T[],
  requestOf: (object: T) => { readonly path: string; readonly key: string },
): Promise<Causes> {
  const found = new Map<string, readonly StatusCause[]>();
  await mapLimited(objects.slice(0, askLimit), concurrency, neverAborted, async (object) => {
    const { path, key } = requestOf(object);
    const causes = await reads.causes(path);
    if (causes.length > 0) found.set(key, causes);
  });
  return found;
}

function sentencesOf(causes: Causes): readonly (readonly [key: string, sentence: string])[] {
  return [...causes].map(([key, each]) => [key, each.map(({ reason, message }) => `${reason}: ${message}`).join('; ')]);
}

interface OwnReason {
  readonly reason: string;
  /** Where it is another one if usages come from Prometheus. */
  readonly ofPrometheus?: string;
  /** Whether the server is asked, too. */
  readonly isServers: boolean;
}

type ExplainedNodes = Pick<PodUsageFacts, 'nodes' | 'measured'>;

/** Goes through all nodes. */
function nodesToExplain({ known: { value: nodes }, measured }: NodeParts): ExplainedNodes {
  return { nodes: nodes && new Map([...nodes].map(([name, { facts }]) => [name, facts])), measured: measured.value };
}

function ownReason({ facts, view }: PodObject, nodes: ExplainedNodes, nowMs: number): OwnReason {
  if (hasEnded(facts)) return { reason: 'it has ended', isServers: false };
  if (facts.isDeleting) return { reason: 'it is being deleted', isServers: false };
  if (facts.node === undefined) {
    const why = facts.unschedulable === undefined ? '' : `: ${foreignText(facts.unschedulable)}`;
    return { reason: `it waits for a node${why}`, isServers: false };
  }
  if (facts.phase !== 'Running') {
    const why = stopReasonOf(stoppedContainer(view)) ?? facts.phase;
    return { reason: `its containers have not started (${foreignText(why)})`, isServers: false };
  }
  const explain = (sourceCheck: 'kubelets' | 'custom-metrics') =>
    causeOfMissing(facts, { ...nodes, sourceCheck, nowMs });
  const { code, words } = explain('kubelets');
  return { reason: words, ofPrometheus: explain('custom-metrics').words, isServers: serversCodes.has(code) };
}

/** Of these, the server may know more. */
const serversCodes: ReadonlySet<string> = new Set(['pods-unreported', 'pods-young', 'pods-node-unscraped']);

/**
 * Returns why autoscalers do not scale, by `namespace/name`.
 * @param all of their namespaces.
 * @param comesFromPrometheus whether metrics.k8s.io does; called where it matters.
 */
export async function autoscalerReasons(
  reads: Reads,
  all: readonly AutoscalerObject[],
  comesFromPrometheus: () => Promise<boolean>,
): Promise<ReadonlyMap<string, string>> {
  const api = readerOf(reads);
  const rivalsAmong = createRivalFinder(all.map(({ facts }) => facts));
  const failing = all.filter(({ facts }) => failureOf(facts) !== undefined).slice(0, detailLimit);
  const details = new Map<AutoscalerObject, AutoscalerDetails>();
  await mapLimited(failing, concurrency, neverAborted, async (each) => {
    details.set(each, await readable(readAutoscalerDetails({ api }, each.facts), noDetails));
  });
  const servesPrometheus =
    [...details.values()].some(({ pods }) => pods !== undefined) && (await comesFromPrometheus());
  const reasons = new Map<string, string>();
  for (const each of all) {
    const { facts: autoscaler, view } = each;
    const others = rivalsAmong(autoscaler);
    const known = details.get(each) ?? noDetails;
    const finding = explainAutoscaler({ autoscaler, others, servesPrometheus, nowMs: reads.nowMs(), ...known });
    const isGuess = finding !== undefined && (guesses.get(finding.code)?.(known) ?? false);
    // The controller's own words are no guess.
    const reason = (isGuess && foreignText(failureOf(autoscaler)?.message ?? '')) || finding?.problem || view.reason;
    if (reason !== undefined) reasons.set(`${autoscaler.namespace}/${autoscaler.name}`, reason);
  }
  return reasons;
}

/** Findings that say little, or nothing that is true, without knowing the target's pods. */
const guesses: ReadonlyMap<string, (details: AutoscalerDetails) => boolean> = new Map([
  ['autoscaler-failing', () => true],
  ['autoscaler-no-usage', ({ pods }: AutoscalerDetails) => pods === undefined],
]);

type DetailReader = Parameters<typeof readAutoscalerDetails>[0]['api'];

/** Reads as the doctor does, but nothing is kept. */
function readerOf(reads: Reads): DetailReader {
  const unchecked = (error: unknown): never => {
    throw error instanceof ViewError
      ? new UncheckedError('HorizontalPodAutoscaler', error.message, { cause: error })
      : error;
  };
  return {
    get: (path, query) => reads.find('get the target of an autoscaler', path, query).catch(unchecked),
    async list(path, { query = {} } = {}) {
      const limit = String(targetListLimit);
      const list = await reads.find('list pods of an autoscaler', path, { ...query, limit }).catch(unchecked);
      // The first ones would be taken for all.
      if (text(field(field(list, 'metadata'), 'continue')))
        throw new UncheckedError(path, `the list is longer than ${targetListLimit} objects`);
      return items(field(list, 'items'));
    },
  };
}
