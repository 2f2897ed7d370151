/** Decides which nodes are scraped together: a scrape interval has a fixed number of waves, and each node keeps its wave. */

export interface Waves {
  /** Assigns the node to a wave; false if it has one. */
  add(node: string): boolean;
  /** Sets how much of a wave the node takes; most nodes take 1. If its wave gets too large by that, the node gets another one. */
  setWeight(node: string, weight: number): void;
  remove(node: string): void;
  /** Returns the nodes of a wave. @param wave any number: waves repeat with each interval. */
  at(wave: number): Iterable<string>;
  /** Returns the first wave after this one that has nodes; if none has, the same one in the next interval. */
  next(wave: number): number;
}

/**
 * The most nodes in a wave before another wave is used. A process that wakes finds its caches cold, and its first work costs several times as much: 100 nodes in
 * one wave cost a quarter less than in four, and half of what they did in 20 (measured).
 */
export const waveSize = 128;

interface Wave {
  readonly nodes: Map<string, number>;
  /** The sum of its nodes' weights. */
  weight: number;
}

/** @param count waves per scrape interval. */
export function createWaves(count: number): Waves {
  const waves = Array.from({ length: count }, (): Wave => ({ nodes: new Map(), weight: 0 }));
  const inOrder = spreadOrder(count).map((index) => waves[index]!);
  const waveOf = new Map<string, Wave>();
  return { add, setWeight, remove, at: (wave) => waves[wave % count]?.nodes.keys() ?? [], next };

  function add(node: string): boolean {
    if (waveOf.has(node)) return false;
    assign(node, 1);
    return true;
  }

  function setWeight(node: string, weight: number): void {
    const wave = waveOf.get(node);
    const previous = wave?.nodes.get(node) ?? weight;
    if (wave === undefined || previous === weight) return;
    const isTooLarge = wave.weight + weight - previous > waveSize && wave.nodes.size > 1;
    remove(node);
    assign(node, weight, isTooLarge ? choose(weight) : wave);
  }

  function assign(node: string, weight: number, wave = choose(weight)): void {
    wave.nodes.set(node, weight);
    wave.weight += weight;
    waveOf.set(node, wave);
  }

  /** Returns the lightest wave in use, or an unused one if that is full. */
  function choose(weight: number): Wave {
    const [first, ...others] = inOrder.filter(({ nodes }) => nodes.size > 0);
    const lightest = others.reduce((a, b) => (b.weight < a!.weight ? b : a), first);
    if (lightest !== undefined && lightest.weight + weight <= waveSize) return lightest;
    return inOrder.find(({ nodes }) => nodes.size === 0) ?? lightest!;
  }

  function remove(node: string): void {
    const wave = waveOf.get(node);
    if (wave === undefined) return;
    wave.weight -= wave.nodes.get(node) ?? 0;
    wave.nodes.delete(node);
    waveOf.delete(node);
  }

  function next(wave: number): number {
    for (let later = wave + 1; later < wave + count; later += 1) {
      if ((waves[later % count]?.nodes.size ?? 0) > 0) return later;
    }
    return wave + count;
  }
}

/** Returns the numbers below `count`, each as far from the earlier ones as possible: halves, then quarters, and so on. */
function spreadOrder(count: number): readonly number[] {
  const order = new Set<number>();
  for (let parts = 1; order.size < count; parts *= 2) {
    for (let part = 0; part < parts; part += 1) order.add(Math.floor((part * count) / parts));
  }
  return [...order];
}
