/** Which nodes are scraped together: a resolution has so many waves, and each node a place in one of them that it keeps. */

export interface Waves {
  /** Gives the node a place; false where it has one. */
  add(node: string): boolean;
  remove(node: string): void;
  /** Those of the wave. @param wave any number: they come again with each resolution. */
  at(wave: number): Iterable<string>;
  /** The first wave after this one that has nodes; one resolution later if none has. */
  next(wave: number): number;
}

/**
 * So many nodes are scraped together before there is another wave. A process that wakes finds its caches cold: five nodes took 4 ms of CPU and 25 took 7, so
 * that 100 nodes in 4 waves cost a third of what they did in 20. Larger ones would gain little, and hold the event loop for longer: these do for 8 ms.
 */
export const waveSize = 32;

/** @param count how many waves there can be in one resolution. */
export function createWaves(count: number): Waves {
  const waves = Array.from({ length: count }, () => new Set<string>());
  const inOrder = spreadOrder(count).map((at) => waves[at]!);
  const places = new Map<string, Set<string>>();
  return { add, remove, at: (wave) => waves[wave % count] ?? [], next };

  function add(node: string): boolean {
    if (places.has(node)) return false;
    const wave = place();
    wave.add(node);
    places.set(node, wave);
    return true;
  }

  /** The emptiest of those in use, or a new one where all of them are full. */
  function place(): Set<string> {
    const [first, ...others] = inOrder.filter((wave) => wave.size > 0);
    const emptiest = others.reduce((a, b) => (b.size < a!.size ? b : a), first);
    if (emptiest !== undefined && emptiest.size < waveSize) return emptiest;
    return inOrder.find((wave) => wave.size === 0) ?? emptiest!;
  }

  function remove(node: string): void {
    places.get(node)?.delete(node);
    places.delete(node);
  }

  function next(wave: number): number {
    for (let at = wave + 1; at < wave + count; at += 1) {
      if ((waves[at % count]?.size ?? 0) > 0) return at;
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
