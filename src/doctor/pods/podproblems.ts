/** Explains running pods without usage. */
import { foreignText } from '../../foreigntext.ts';
import type { AnswerCause } from '../clusterreader.ts';
import type { Finding, Severity } from '../finding.ts';
import { listed, objectOf } from '../grouping.ts';
import type { NodeFacts } from '../nodes/nodefacts.ts';
import { command } from '../remedy.ts';
import { firstUsageMsOf, oldUsageMs } from '../times.ts';
import { keyOf, mostTelling, type PodFacts } from './podfacts.ts';

export interface PodUsageFacts {
  readonly pods: readonly PodFacts[];
  /** Times of usages by `namespace/name`, milliseconds since the epoch. */
  readonly usage: ReadonlyMap<string, number>;
  /** Undefined if they could not be read. */
  readonly nodes: ReadonlyMap<string, NodeFacts> | undefined;
  /** Has the nodes with usage of their own; undefined if these could not be read. */
  readonly measured: Pick<ReadonlySet<string>, 'has'> | undefined;
  /** The check that says why a usage is missing, by where usages come from. Default: kubelets. */
  readonly sourceCheck?: 'kubelets' | 'custom-metrics' | undefined;
  readonly nowMs: number;
}

export const podCodes = [
  'pods-node-unscraped',
  'pods-node-unknown',
  'pods-crash',
  'pods-young',
  'pods-one-sample',
  'pods-windows-host-process',
  'pods-unreported',
  'pods-usage-old',
] as const;

type PodCode = (typeof podCodes)[number];

export interface PodCause {
  readonly code: PodCode;
  readonly severity: Severity;
  /** Pods with equal words are one finding. */
  readonly words: string;
  readonly remedy: (pods: readonly PodFacts[]) => string | undefined;
}

export interface PodFinding {
  readonly finding: Finding;
  readonly pods: readonly PodFacts[];
}

/** Returns one finding per cause, with its pods. Pods that ended or that wait for a node have no usage by nature. */
export function podFindings(facts: PodUsageFacts): PodFinding[] {
  const causes = facts.pods.flatMap((pod) => {
    const cause = causeOf(pod, facts);
    return cause === undefined ? [] : [{ pod, cause }];
  });
  const groups = Map.groupBy(causes, ({ cause: { code, words } }) => `${code} ${words}`);
  return [...groups.values()].flatMap((group) => {
    const first = group[0]?.cause;
    if (first === undefined) return [];
    const pods = group.map(({ pod }) => pod);
    const remedy = first.remedy(pods);
    const finding = {
      code: first.code,
      severity: first.severity,
      object: objectOf('Pod', pods.map(keyOf)),
      problem: first.words,
      ...(remedy === undefined ? {} : { remedy }),
    };
    return { finding, pods };
  });
}

function causeOf(pod: PodFacts, facts: PodUsageFacts): PodCause | undefined {
  if (pod.phase !== 'Running' || pod.isDeleting) return undefined;
  const usageMs = facts.usage.get(keyOf(pod));
  if (usageMs === undefined) return causeOfMissing(pod, facts);
  if (facts.nowMs - usageMs <= oldUsageMs) return undefined;
  return {
    code: 'pods-usage-old',
    severity: 'warning',
    words: `the usage served of pods on node ${pod.node ?? '?'} is more than ${oldUsageMs / 60_000} minutes old`,
    remedy: () => command('kubegauge', 'doctor', facts.sourceCheck ?? 'kubelets'),
  };
}

/** Explains why a running pod has no usage. */
export function causeOfMissing(
  pod: PodFacts,
  {
    nodes,
    measured,
    sourceCheck = 'kubelets',
    nowMs,
  }: Pick<PodUsageFacts, 'nodes' | 'measured' | 'sourceCheck' | 'nowMs'>,
): PodCause {
  const { node: name = '?' } = pod;
  const node = nodes?.get(name);
  if (nodes !== undefined && node === undefined) {
    return {
      code: 'pods-node-unknown',
      severity: 'warning',
      words: `its node ${foreignText(name)} does not exist; the pod garbage collector deletes it later`,
      remedy: describe,
    };
  }
  if (measured?.has(name) === false) {
    return {
      code: 'pods-node-unscraped',
      severity: node?.isVirtual === true ? 'note' : 'warning',
      words: `no usage of node ${foreignText(name)} is served; the check \`${sourceCheck}\` says why`,
      remedy: () => command('kubegauge', 'doctor', sourceCheck),
    };
  }
  const isRunning = pod.containers.some(({ state }) => state === 'running');
  if (!isRunning) {
    const reason = mostTelling(pod.containers.filter((container) => container.reason !== undefined))?.reason;
    return {
      code: 'pods-crash',
      severity: 'note',
      words: `none of its containers runs${reason === undefined ? '' : ` (${foreignText(reason)})`}, so there is no usage`,
      remedy: describe,
    };
  }
  const firstMs = firstUsageMsOf(sourceCheck === 'custom-metrics');
  if (pod.containers.some(({ startedMs }) => startedMs !== undefined && nowMs - startedMs < firstMs)) {
    return {
      code: 'pods-young',
      severity: 'note',
      words: `a container started less than ${firstMs / 1000} s ago; usage needs two samples`,
      remedy: () => undefined,
    };
  }
  if (node?.isWindows === true && pod.isHostProcess) {
    return {
      code: 'pods-windows-host-process',
      severity: 'note',
      words:
        'some versions of containerd, such as 1.6.5 and 1.6.6, report no usage of HostProcess containers; update containerd on its node',
      remedy: () => 'kubectl get nodes -l kubernetes.io/os=windows -o wide',
    };
  }
  return {
    code: 'pods-unreported',
    severity: 'error',
    words: `it runs on node ${foreignText(name)}, ${measured === undefined ? 'but has no usage' : 'whose usage is served, but has no usage itself'}`,
    remedy: (pods) =>
      sourceCheck === 'kubelets' ? seenByKubelet(name, pods) : command('kubegauge', 'doctor', sourceCheck),
  };
}

/** Returns the command that shows what the kubelet reports of the pods. No line means that its runtime measures nothing. */
function seenByKubelet(node: string, pods: readonly PodFacts[]): string {
  const names = pods.slice(0, 3).map(({ name }) => name);
  const read = command('kubectl', 'get', '--raw', `/api/v1/nodes/${node}/proxy/metrics/resource`);
  return `${read} | grep -E ${command(`pod="(${names.join('|')})"`)}`;
}

/** Returns the command for the first pod: others have the same cause. */
function describe(pods: readonly PodFacts[]): string | undefined {
  const [pod] = pods;
  return pod && command('kubectl', '--namespace', pod.namespace, 'describe', `pod/${pod.name}`);
}

/**
 * Adds what the server says of some of the pods. Pods that all wait for their second sample are no fault: the server has just started, or
 * their node has just come back.
 * @param causes a list for each pod that the server was asked about.
 */
export function withCauses(finding: Finding, causes: readonly (readonly AnswerCause[])[]): Finding {
  const all = causes.flat().map(({ reason, message }) => `${reason}: ${message}`);
  if (all.length === 0) return finding;
  const evidence = listed([...new Set(all)]);
  const isWaiting = causes.every((ofPod) => ofPod.length > 0 && ofPod.every(({ reason }) => reason === 'OneSample'));
  if (!isWaiting) return { ...finding, evidence };
  const { object } = finding;
  const problem = 'the server has one sample of it, and serves usage from the second one on: look again in a minute';
  return { code: 'pods-one-sample', severity: 'note', object, problem, evidence };
}
