/** Go's regular expressions: RE2, by re2js. JavaScript's would accept other syntax, and may backtrack for ever. */
import { RE2JS, RE2JSException } from 're2js';

/** Characters of a pattern. */
const patternLengthLimit = 10_000;
/** Instructions of a compiled pattern: a match of 200 characters takes some 50 us per thousand, and more for classes. */
const programLimit = 5_000;

export interface Pattern {
  readonly source: string;
  /** Instructions. */
  readonly programSize: number;
  /** Capture groups without the whole match. */
  readonly groups: number;
  /** The number of each named group. */
  readonly names: ReadonlyMap<string, number>;
  /** Reports whether the pattern matches somewhere in the text. */
  readonly test: (text: string) => boolean;
  /** Returns the leftmost match and its groups; undefined where a group did not take part. */
  readonly match: (text: string) => readonly (string | undefined)[] | undefined;
}

/** A pattern cannot be compiled. The message is Go's. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

/** @throws PatternError */
export function compilePattern(source: string): Pattern {
  if (source.length > patternLengthLimit) {
    throw new PatternError(`regular expression of ${source.length} characters: at most ${patternLengthLimit}`);
  }
  try {
    const compiled = RE2JS.compile(source);
    const programSize = compiled.programSize();
    if (programSize > programLimit) {
      const problem = `regular expression of ${programSize} instructions: at most ${programLimit}`;
      throw new PatternError(`${problem}; repeat less by numbers in braces`);
    }
    return {
      source,
      programSize,
      groups: compiled.groupCount(),
      names: new Map(Object.entries(compiled.namedGroups())),
      test: (text) => compiled.test(text),
      match: (text) => {
        const matcher = compiled.matcher(text);
        if (!matcher.find()) return undefined;
        return Array.from({ length: compiled.groupCount() + 1 }, (_, group) => matcher.group(group) ?? undefined);
      },
    };
  } catch (error) {
    if (error instanceof RE2JSException) throw new PatternError(error.message, { cause: error });
    throw error;
  }
}
