/**
 * Follows lines with equal labels by their counters; pure. No line identifies its pod, and a change between two would
 * be a rate of years.
 */

/** One line when it was last seen. */
export interface Lineage {
  readonly cpuSeconds: number;
  /** Higher for a later line of the label set. */
  readonly generation: number;
  readonly isAway?: true;
}

/** Returns this scrape's lineages and those missing for the first time. */
export function keptLineages(before: readonly Lineage[], followed: readonly Lineage[]): readonly Lineage[] {
  const here = new Set(followed.map(({ generation }) => generation));
  const away = before.filter(({ generation, isAway }) => isAway === undefined && !here.has(generation));
  return [...followed, ...away.map((lineage) => ({ ...lineage, isAway: true as const }))];
}

/**
 * Returns each counter's lineage, in order. An equal value identifies a counter that stands still; others continue the
 * next lower one. The lower of two new counters is the later: it has had less time to grow.
 */
export function followLineages(before: readonly Lineage[], counters: readonly number[]): Lineage[] {
  const left = before.toSorted((a, b) => b.cpuSeconds - a.cpuSeconds);
  const generations = counters.map((cpuSeconds) => take((lineage) => lineage.cpuSeconds === cpuSeconds));
  let newest = Math.max(-1, ...before.map(({ generation }) => generation));
  const highestFirst = [...counters.entries()].sort(([, a], [, b]) => b - a);
  for (const [index, cpuSeconds] of highestFirst) {
    generations[index] ??= take((lineage) => lineage.cpuSeconds < cpuSeconds);
  }
  for (const [index] of highestFirst) generations[index] ??= ++newest;
  return counters.map((cpuSeconds, index) => ({ cpuSeconds, generation: generations[index] ?? newest }));

  function take(continues: (lineage: Lineage) => boolean): number | undefined {
    const index = left.findIndex(continues);
    return index < 0 ? undefined : left.splice(index, 1)[0]?.generation;
  }
}
