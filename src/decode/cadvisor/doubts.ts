/** Finds the pods that cAdvisor may not know whole. */
import type { PodName } from '../dialect.ts';
import { checkCount, containerLimit } from '../limits.ts';
import { lacksMemory } from '../usable.ts';
import type { CgroupCandidate } from './candidate.ts';
import type { CgroupRow } from './cgrouprow.ts';

/**
 * Returns pods with a cgroup but without a container in use: in creation, or under gVisor or kata.
 * @param valueless pods with a container of which only the start time is known.
 * @throws AnswerTooLongError
 */
export function doubtsOf(
  rows: readonly CgroupRow[],
  candidates: readonly CgroupCandidate[],
  valueless: readonly PodName[],
): readonly PodName[] {
  /** By namespace: joining the names per row took as long as the selection. */
  const known = new Map<string, Set<string>>();
  const doubted = new Map<string, Set<string>>();
  const pods = valueless.filter(({ namespace, name }) => addTo(doubted, namespace, name));
  for (const { namespace, pod, point } of candidates) {
    if (point !== undefined && lacksMemory(point.memoryBytes) && addTo(doubted, namespace, pod)) {
      pods.push({ namespace, name: pod });
    }
    addTo(known, namespace, pod);
  }
  for (const { kind, namespace, pod: name } of rows) {
    if (kind !== 'pod') continue;
    if (addTo(known, namespace, name) && addTo(doubted, namespace, name)) pods.push({ namespace, name });
  }
  checkCount(pods.length, containerLimit, 'pods without a container that uses anything');
  return pods;
}

function addTo(known: Map<string, Set<string>>, namespace: string, name: string): boolean {
  let names = known.get(namespace);
  if (names === undefined) known.set(namespace, (names = new Set()));
  const { size } = names;
  return names.add(name).size > size;
}
