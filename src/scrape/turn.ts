/** Which of a node's addresses is tried next. */

export interface Turn {
  /** The place of the address to try among so many. */
  next(count: number): number;
  /** The address at this place gave an answer, whatever it was. */
  answered(place: number): void;
  /** It did not. */
  failed(): void;
}

/**
 * In order until one answers. From then on that one gets every other try: the rest may never have been reachable, and one lost
 * connection must not cost a round through all of them.
 */
export function createTurn(): Turn {
  let good: number | undefined;
  let failures = 0;
  return {
    next(count) {
      if (good === undefined) return failures % count;
      return (failures % 2 === 1 ? good : good + failures / 2) % count;
    },
    answered(place) {
      good = place;
      failures = 0;
    },
    failed() {
      failures += 1;
    },
  };
}
