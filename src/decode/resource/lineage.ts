/**
 * Follows several lines with equal labels from scrape to scrape by their counters; pure. /metrics/resource has them if a pod's cgroup could not be removed and another
 * pod has its name. Nothing in a line identifies its pod, and to change from one to the other would be a rate of years.
 */

/** One line when it was last seen. */
export interface Lineage {
  readonly cpuSeconds: number;
  /** Higher for a line that came later; unique among the lines of one label set. */
  readonly generation: number;
  /** Set if the line was missing in the last scrape. */
  readonly isAway?: true;
}

/**
 * Returns the lineages to follow next: those of this scrape's lines, and those that are missing for the first time.
 * @param followed of this scrape.
 */
export function keptLineages(before: readonly Lineage[], followed: readonly Lineage[]): readonly Lineage[] {
  const here = new Set(followed.map(({ generation }) => generation));
  const away = before.filter(({ generation, isAway }) => isAway === undefined && !here.has(generation));
  return [...followed, ...away.map((lineage) => ({ ...lineage, isAway: true as const }))];
}

/**
 * Returns the lineage of each counter, in their order. An equal value identifies a counter that stands still; the others continue the next lower one. The lower one of
 * two new counters counts as the later: it has had less time to grow.
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
