/** Counts the turns that nodes missed: each is asked once per resolution, so that a longer silence is one or more turns without a scrape. */

export interface Turns {
  /** @param nowMs monotonic. */
  asked(node: string, nowMs: number): void;
  /** Forgets what was missed so far. */
  begin(): void;
  /** Those of nodes that are silent still, too. */
  missed(nowMs: number): number;
}

export function createTurns(resolutionMs: number): Turns {
  const lastMs = new Map<string, number>();
  let ended = 0;
  return { asked, begin: () => (ended = 0), missed };

  function asked(node: string, nowMs: number): void {
    ended += turnsWithin(nowMs - (lastMs.get(node) ?? nowMs));
    lastMs.set(node, nowMs);
  }

  function missed(nowMs: number): number {
    return lastMs.values().reduce((total, ms) => total + turnsWithin(nowMs - ms), ended);
  }

  /** The phase of a node is fixed, so a turn that is half a resolution late is not late but missing. */
  function turnsWithin(silenceMs: number): number {
    return Math.max(0, Math.round(silenceMs / resolutionMs) - 1);
  }
}
