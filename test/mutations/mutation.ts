/** A mistake in the sources, and the unit tests that must notice it. */
export interface Mutation {
  /** Below src/. */
  readonly file: string;
  /** A text that the file has exactly once. */
  readonly search: string;
  readonly replace: string;
  /** The fault that it makes. */
  readonly why: string;
  /** Patterns of the files that are run, one after the other until one fails; from the project's root. */
  readonly tests: readonly string[];
}

/** The text of before and after, and what goes wrong. */
export type Edit = readonly [search: string, replace: string, why: string];

/** Mutations of one file. */
export function mutate(file: string, tests: readonly string[], edits: readonly Edit[]): Mutation[] {
  return edits.map(([search, replace, why]) => ({ file, search, replace, why, tests }));
}
