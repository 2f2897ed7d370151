/** Describes the changes between two readings. */
import { type Reading, reasonText, type SeenNode, type SeenPod } from './reading.ts';
import { cpuText, isFailing, memoryText } from './view.ts';

/** Returns what kubegauge reports now and did not before. */
export function changesBetween(previous: Reading, current: Reading): string[] {
  const nodesBefore = new Map(previous.nodes.map((node) => [node.name, node]));
  const podsBefore = new Map(previous.pods.map((pod) => [pod.name, pod]));
  return [
    ...current.nodes.flatMap((node) => nodeChange(nodesBefore.get(node.name), node)),
    ...lostUsage(podsBefore, current.pods),
    ...regainedUsage(podsBefore, current.pods),
  ];
}

function nodeChange(before: SeenNode | undefined, node: SeenNode): string[] {
  if (before === undefined) return [];
  const { name, usage, reason } = node;
  if (reason !== undefined && isFailing(node)) {
    const isSame = isFailing(before) && before.reason?.code === reason.code;
    if (isSame && (before.usage === undefined) === (usage === undefined)) return [];
    return [
      usage === undefined
        ? `${name} has no usage any more: ${reasonText(reason)}`
        : `${name} is failing, its last usage is kept: ${reasonText(reason)}`,
    ];
  }
  return isFailing(before) && usage !== undefined ? [`${name} is scraped again`] : [];
}

/** Pods of one node that lost their usage for the same reason are one sentence. */
function lostUsage(before: ReadonlyMap<string, SeenPod>, pods: readonly SeenPod[]): string[] {
  const lost = pods.filter(({ name, usage, reason }) => {
    const previous = before.get(name);
    const isNew = previous === undefined || previous.usage !== undefined || previous.reason?.code !== reason?.code;
    return usage === undefined && reason !== undefined && isNew;
  });
  return [...Map.groupBy(lost, ({ node, reason }) => `${node} ${reason?.code}`).values()].flatMap((group) => {
    const [first] = group;
    if (first?.reason === undefined) return [];
    const subject = group.length === 1 ? `${first.name} has` : `${group.length} pods of ${first.node} have`;
    return [`${subject} no usage: ${reasonText(first.reason)}`];
  });
}

function regainedUsage(before: ReadonlyMap<string, SeenPod>, pods: readonly SeenPod[]): string[] {
  const regained = pods.filter(({ name, usage }) => {
    const previous = before.get(name);
    return usage !== undefined && previous !== undefined && previous.usage === undefined;
  });
  return [...Map.groupBy(regained, ({ node }) => node).values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    if (group.length > 1) return [`${group.length} pods of ${first.node} have usage`];
    return [`${first.name} has usage: ${cpuText(first.usage)}, ${memoryText(first.usage)}`];
  });
}
