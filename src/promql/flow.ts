/** Flows of requests to an engine: what shares connections and breakers, and what does not. */

/**
 * lists: our own, of series. system: of the cluster's controllers, such as the autoscaler. users, strangers: of
 * authenticated and anonymous clients. No lane waits for another.
 */
export type Lane = 'lists' | 'system' | 'users' | 'strangers';

export interface Flow {
  readonly lane: Lane;
  /** A caller, or a namespace of one that works for many. Keys of one lane take turns. */
  readonly key: string;
}

/** The flow of lists of series. */
export const listing: Flow = { lane: 'lists', key: '' };

/** Returns a text that is equal for equal flows. */
export function flowText({ lane, key }: Flow): string {
  return `${lane} ${key}`;
}
