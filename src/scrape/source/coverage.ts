/** Compares what a kubelet's two endpoints report, requested one after the other; pure. */
import { foreignText } from '../../foreigntext.ts';
import type { ContainerPoint, NodePoints } from '../../sample/point.ts';
import { lacksMemory } from '../../decode/usable.ts';

/** A younger container may have started between the responses, or have no sample in cAdvisor yet. */
const youngMs = 60_000;

/**
 * Describes what only /metrics/resource reports; undefined if nothing. A container counts if the runtime reports memory
 * and cAdvisor has no row or working set, as with gVisor, kata, and runtimes that cAdvisor does not reach.
 * @param nodeTimeMs the node's clock, milliseconds since the epoch.
 */
export function missingInCadvisor(cadvisor: NodePoints, resource: NodePoints, nodeTimeMs: number): string | undefined {
  if (cadvisor.machine === undefined && resource.machine !== undefined) return 'cAdvisor has no numbers of the node';
  const reported = new Map<string, ContainerPoint>();
  for (const pod of cadvisor.pods) {
    for (const point of pod.containers) reported.set(`${pod.namespace}/${pod.name}/${point.name}`, point);
  }
  const missing = new Set<string>();
  for (const { namespace, name, containers } of resource.pods) {
    for (const point of containers) {
      // The runtime may have no number either.
      if (lacksMemory(point.memoryBytes) || isYoung(point, nodeTimeMs)) continue;
      const known = reported.get(`${namespace}/${name}/${point.name}`);
      if (known === undefined || lacksMemory(known.memoryBytes)) missing.add(`${namespace}/${name}`);
    }
  }
  const [first, ...others] = [...missing].sort();
  if (first === undefined) return undefined;
  return `cAdvisor has no numbers of pod ${foreignText(first)}${others.length === 0 ? '' : ` and ${others.length} more`}`;
}

function isYoung({ startTimeMs }: ContainerPoint, nodeTimeMs: number): boolean {
  return startTimeMs !== undefined && nodeTimeMs - startTimeMs < youngMs;
}
