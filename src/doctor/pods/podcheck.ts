/** Checks pods that run without usage, and why. */
import { parseLabelSelector } from '../../apimachinery/labels.ts';
import { field, items } from '../../client/json.ts';
import { type Check, type CheckContext, readable } from '../check.ts';
import type { AnswerCause } from '../clusterreader.ts';
import { type Finding, uncheckedCode } from '../finding.ts';
import { listed } from '../grouping.ts';
import { findServer, unknownServer } from '../nodes/installation.ts';
import type { NodeFacts } from '../nodes/nodefacts.ts';
import { readNodes, readNodesAgain, readNodeUsages } from '../nodes/readnodes.ts';
import { kubeletFlagsOf } from '../nodes/serverflags.ts';
import { type PodFacts, parsePodFacts } from './podfacts.ts';
import { podCodes, podFindings, type PodUsageFacts, withCauses } from './podproblems.ts';
import { readAllUsages, readUsagesByNamespace, usagesPath } from './podusages.ts';

/** Pods that are looked at: 80 pages of 250. */
const podLimit = 20_000;
const podsPerPage = 250;
/** Milliseconds. The check's deadline is 60 s. */
const readingMs = 35_000;
/** Pods without usage that the server is asked about, for all findings and for each. */
const askLimit = 20;
const askPerFinding = 5;

const podsPath = '/api/v1/pods';

export const podCheck: Check = {
  name: 'pods',
  title: 'running pods without usage, and why',
  codes: podCodes,
  run: checkPods,
};

async function* checkPods(context: CheckContext): AsyncIterable<Finding> {
  // Before the pods: one that ends in between would look like one without usage.
  const all = await readAllUsages(context);
  const { installation } = await readable(findServer(context), unknownServer);
  const { nodeSelector, servesPrometheus } = kubeletFlagsOf(installation, context.options);
  const selector = parseLabelSelector(nodeSelector);
  const nodeUsages = await readable(readNodeUsages(context), undefined);
  const { pods, isCut } = await readPods(context);
  const nodes = await readNodesOf(context, pods);
  const left = new Set(nodes.flatMap(({ name, labels }) => (selector.matches(labels) ? [] : name)));
  const { usage, unread } = all === undefined ? await readUsagesByNamespace(context, pods) : { usage: all, unread: [] };
  const hidden = new Set(unread);
  const facts: PodUsageFacts = {
    // Nodes that --node-selector leaves out are not scraped on purpose.
    pods: pods.filter(({ node, namespace }) => (node === undefined || !left.has(node)) && !hidden.has(namespace)),
    usage,
    nodes: new Map(nodes.map((node) => [node.name, node])),
    measured: nodeUsages,
    sourceCheck: servesPrometheus ? 'custom-metrics' : 'kubelets',
    nowMs: context.nowMs(),
  };
  let asksLeft = askLimit;
  for (const { finding, pods: unserved } of podFindings(facts)) {
    if (finding.code !== 'pods-unreported') {
      yield finding;
      continue;
    }
    const asked = unserved.slice(0, Math.min(asksLeft, askPerFinding));
    asksLeft -= asked.length;
    yield withCauses(finding, await readCauses(context, asked));
  }
  if (unread.length > 0) {
    const problem = `usages of ${unread.length} namespaces could not be read within limits, so their pods were not looked at: ${listed(unread)}`;
    yield { code: uncheckedCode, severity: 'unchecked', object: usagesPath, problem };
  }
  if (isCut) {
    const problem = `only the first ${pods.length} pods were looked at`;
    yield { code: uncheckedCode, severity: 'unchecked', object: podsPath, problem };
  }
}

/** Returns all nodes. Those that other checks have read may be older than a pod's node. @throws UncheckedError. */
async function readNodesOf(context: CheckContext, pods: readonly PodFacts[]): Promise<readonly NodeFacts[]> {
  const nodes = await readNodes(context);
  const names = new Set(nodes.map(({ name }) => name));
  return pods.every(({ node }) => node === undefined || names.has(node)) ? nodes : readNodesAgain(context);
}

/** Reads pages one by one, and keeps only facts: whole pods of a large cluster take a gigabyte. @throws UncheckedError. */
async function readPods({
  api,
}: CheckContext): Promise<{ readonly pods: readonly PodFacts[]; readonly isCut: boolean }> {
  const pods: PodFacts[] = [];
  const endMs = performance.now() + readingMs;
  for await (const page of api.pages(podsPath, podsPerPage)) {
    if (pods.length >= podLimit || performance.now() >= endMs) return { pods, isCut: true };
    pods.push(...items(field(page, 'items')).flatMap((object) => parsePodFacts(object) ?? []));
  }
  return { pods, isCut: false };
}

/** Returns the causes of the pods' 404s, a list for each pod: why it has no usage. metrics-server gives none. */
async function readCauses(
  { api }: CheckContext,
  pods: readonly PodFacts[],
): Promise<readonly (readonly AnswerCause[])[]> {
  const causes: (readonly AnswerCause[])[] = [];
  for (const { namespace, name } of pods) {
    const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
    const answer = await readable(api.text(path), undefined);
    causes.push(answer?.causes ?? []);
  }
  return causes;
}
