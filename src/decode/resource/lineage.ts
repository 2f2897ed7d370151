/**
 * Follows several lines with equal labels from scrape to scrape by their counters; pure. /metrics/resource has them where a pod's cgroup could
 * not be removed and another pod has its name. Nothing in a line says whose it is, and to change from one to the other would be a rate of years.
 */

/** One line as it was last seen. */
export interface Lineage {
  readonly cpuSeconds: number;
  /** A line that came later has a higher one, and no other line of the same labels has the same. */
  readonly generation: number;
  /** Set where the line was away in the last scrape. */
  readonly isAway?: true;
}

/**
 * Returns the lineages to follow next: those of this scrape's lines, and those that are away for the first time.
 * @param followed of this scrape.
 */
export function keptLineages(before: readonly Lineage[], followed: readonly Lineage[]): readonly Lineage[] {
  const here = new Set(followed.map(({ generation }) => generation));
  const away = before.filter(({ generation, isAway }) => isAway === undefined && !here.has(generation));
  return [...followed, ...away.map((lineage) => ({ ...lineage, isAway: true as const }))];
}

/**
 * The lineage of each counter, in their order. A counter that stands still is known by its value; the others go on from the next lower one.
 * Of two that nobody has seen before, the lower one counts as the later: it has had less time to grow.
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
