/** Compares what the two endpoints of one kubelet tell, asked one after the other; pure. */
import { foreignText } from '../../foreigntext.ts';
import type { ContainerPoint, NodePoints } from '../../sample/point.ts';
import { lacksMemory } from '../../decode/usable.ts';

/** A container that started between the two answers is no difference; cAdvisor's first sample may take so long, too. */
const youngMs = 60_000;

/**
 * What /metrics/resource tells and /metrics/cadvisor does not, in a few words; undefined where nothing is lacking. A container counts where
 * the runtime says that it uses memory and cAdvisor has no row of it, or one without a working set: so gVisor, kata and runtimes that
 * cAdvisor does not reach look like.
 * @param nodeTimeMs the node's clock, milliseconds since the epoch.
 */
export function lackingOf(cadvisor: NodePoints, resource: NodePoints, nodeTimeMs: number): string | undefined {
  if (cadvisor.machine === undefined && resource.machine !== undefined) return 'cAdvisor has no numbers of the node';
  const told = new Map<string, ContainerPoint>();
  for (const pod of cadvisor.pods) {
    for (const point of pod.containers) told.set(`${pod.namespace}/${pod.name}/${point.name}`, point);
  }
  const lacking = new Set<string>();
  for (const { namespace, name, containers } of resource.pods) {
    for (const point of containers) {
      // The runtime may have no number either.
      if (lacksMemory(point.memoryBytes) || isYoung(point, nodeTimeMs)) continue;
      const known = told.get(`${namespace}/${name}/${point.name}`);
      if (known === undefined || lacksMemory(known.memoryBytes)) lacking.add(`${namespace}/${name}`);
    }
  }
  const [first, ...others] = [...lacking].sort();
  if (first === undefined) return undefined;
  return `cAdvisor has no numbers of pod ${foreignText(first)}${others.length === 0 ? '' : ` and ${others.length} more`}`;
}

function isYoung({ startTimeMs }: ContainerPoint, nodeTimeMs: number): boolean {
  return startTimeMs !== undefined && nodeTimeMs - startTimeMs < youngMs;
}
