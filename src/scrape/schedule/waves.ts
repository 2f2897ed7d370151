/** Which nodes are scraped together: a resolution has so many waves, and each node a place in one of them that it keeps. */

export interface Waves {
  /** Gives the node a place; false where it has one. */
  add(node: string): boolean;
  /** Says how much the node is of a wave, in nodes of the usual kind, which are 1. Where its wave becomes too large by that, it gets another place. */
  weigh(node: string, weight: number): void;
  remove(node: string): void;
  /** Those of the wave. @param wave any number: they come again with each resolution. */
  at(wave: number): Iterable<string>;
  /** The first wave after this one that has nodes; one resolution later if none has. */
  next(wave: number): number;
}

/**
 * So many nodes are scraped together before there is another wave. A process that wakes finds its caches cold, and what it does first costs it several times
 * as much: 100 nodes in one wave cost a quarter less than in four, and half of what they did in 20.
 */
export const waveSize = 128;

interface Wave {
  readonly nodes: Map<string, number>;
  /** Of all its nodes. */
  weight: number;
}

/** @param count how many waves there can be in one resolution. */
export function createWaves(count: number): Waves {
  const waves = Array.from({ length: count }, (): Wave => ({ nodes: new Map(), weight: 0 }));
  const inOrder = spreadOrder(count).map((at) => waves[at]!);
  const places = new Map<string, Wave>();
  return { add, weigh, remove, at: (wave) => waves[wave % count]?.nodes.keys() ?? [], next };

  function add(node: string): boolean {
    if (places.has(node)) return false;
    put(node, 1);
    return true;
  }

  function weigh(node: string, weight: number): void {
    const wave = places.get(node);
    const before = wave?.nodes.get(node) ?? weight;
    if (wave === undefined || before === weight) return;
    const isTooLarge = wave.weight + weight - before > waveSize && wave.nodes.size > 1;
    remove(node);
    put(node, weight, isTooLarge ? place(weight) : wave);
  }

  function put(node: string, weight: number, wave = place(weight)): void {
    wave.nodes.set(node, weight);
    wave.weight += weight;
    places.set(node, wave);
  }

  /** The emptiest of those in use, or a new one where all of them are full. */
  function place(weight: number): Wave {
    const [first, ...others] = inOrder.filter(({ nodes }) => nodes.size > 0);
    const emptiest = others.reduce((a, b) => (b.weight < a!.weight ? b : a), first);
    if (emptiest !== undefined && emptiest.weight + weight <= waveSize) return emptiest;
    return inOrder.find(({ nodes }) => nodes.size === 0) ?? emptiest!;
  }

  function remove(node: string): void {
    const wave = places.get(node);
    if (wave === undefined) return;
    wave.weight -= wave.nodes.get(node) ?? 0;
    wave.nodes.delete(node);
    places.delete(node);
  }

  function next(wave: number): number {
    for (let at = wave + 1; at < wave + count; at += 1) {
      if ((waves[at % count]?.nodes.size ?? 0) > 0) return at;
    }
    return wave + count;
  }
}

/** The numbers below `count`, each as far from those before it as can be: halves, then quarters, and so on. */
function spreadOrder(count: number): readonly number[] {
  const order = new Set<number>();
  for (let parts = 1; order.size < count; parts *= 2) {
    for (let part = 0; part < parts; part += 1) order.add(Math.floor((part * count) / parts));
  }
  return [...order];
}
