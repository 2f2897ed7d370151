/** Drops impossible usages of a snapshot: the capacity may have been unknown before. */
import type { Point } from '../sample/point.ts';
import type { LastUsage } from './lastusage.ts';
import type { NodeState, PodState } from './nodestate.ts';
import type { OnImplausible } from './scrapeupdate.ts';
import { type SamplePair, stampMs } from './samplepair.ts';
import { isPossible, isTooMuchMemory, type SampleLimits } from './samplerules.ts';

/** Drops and reports machine and pods whose samples or last usage exceed the limits. */
export function withinLimits(
  node: string,
  state: NodeState,
  limits: SampleLimits,
  onImplausible: OnImplausible | undefined,
): NodeState {
  const isWithin = (what: string, excess: 'cpu' | 'memory' | undefined) => {
    if (excess !== undefined) onImplausible?.(node, what, excess);
    return excess === undefined;
  };
  const { machine, lastUsage } = state;
  const machineExcess =
    excessOf(machine === undefined ? [] : [machine], limits) ?? usageExcess(lastUsage, (usage) => [usage], limits);
  const isMachineWithin = isWithin('the machine', machineExcess);
  return {
    ...state,
    ...(!isMachineWithin && { machine: undefined, lastUsage: { reason: 'never-scraped' } }),
    pods: state.pods.filter((pod) => isWithin(`pod ${pod.name}`, podExcess(pod, limits))),
  };
}

function podExcess({ containers, lastUsage }: PodState, limits: SampleLimits): 'cpu' | 'memory' | undefined {
  return excessOf([...containers.values()], limits) ?? usageExcess(lastUsage, (usage) => usage.containers, limits);
}

function excessOf(pairs: readonly SamplePair[], limits: SampleLimits): 'cpu' | 'memory' | undefined {
  if (pairs.some(({ last }) => isTooMuchMemory(last.memoryBytes, limits))) return 'memory';
  return pairs.every((pair) => hasPossibleRate(pair, limits)) ? undefined : 'cpu';
}

function hasPossibleRate<P extends Point>({ last, base }: SamplePair<P>, limits: SampleLimits): boolean {
  if (typeof base === 'string') return true;
  return isPossible(last.cpuSeconds - base.cpuSeconds, stampMs(last) - stampMs(base), limits);
}

function usageExcess<U>(
  { last }: LastUsage<U>,
  usagesOf: (usage: U) => readonly { readonly cpuNanocores: number; readonly memoryBytes: number }[],
  limits: SampleLimits,
): 'cpu' | 'memory' | undefined {
  const usages = last === undefined ? [] : usagesOf(last.usage);
  if (usages.some(({ memoryBytes }) => isTooMuchMemory(memoryBytes, limits))) return 'memory';
  return usages.some(({ cpuNanocores }) => cpuNanocores > limits.mostCores * 1e9) ? 'cpu' : undefined;
}
