/** One parser of foreign bytes, as the fuzz run feeds it. */
import type { Random } from './random.ts';

export interface FuzzTarget {
  /** The parser, by its path below src/, and what is asked of it. */
  readonly name: string;
  /** Makes an input: a real one that was changed, or a new one. */
  make(random: Random): Buffer;
  /**
   * Reads the input. Throws if what the parser does is wrong: another error than the declared ones, or two ways that differ.
   * Returns whether the parser accepted it, for the tally.
   * @param random for how the input is cut into pieces.
   */
  check(input: Buffer, random: Random): boolean | Promise<boolean>;
  /** CPU milliseconds that one input may take; default `cpuLimitMs`. */
  readonly limitMs?: number;
}

/** CPU milliseconds that one input of at most `inputLimit` bytes may take, a full garbage collection and cold code included. */
export const cpuLimitMs = 500;

/** Bytes of an input. */
export const inputLimit = 128 * 1024;

/** Runs the parser. Returns undefined for a declared error; others pass on. */
export function unlessDeclared<T>(
  parse: () => T,
  ...declared: readonly (new (
    ...args: never[]
  ) => Error)[]
): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (declared.some((kind) => error instanceof kind)) return undefined;
    throw error;
  }
}
