/** Problems of a rules file, with their places. */

export interface RuleProblem {
  /** In the file, from 1. */
  readonly line: number;
  /** Such as `rules[0].name.as`; empty for the file as a whole. */
  readonly path: string;
  readonly problem: string;
  /** An instruction to the file's author. */
  readonly remedy: string;
}

/** The file cannot be used. It has all problems that were found. */
export class RulesError extends Error {
  override readonly name = 'RulesError';
  readonly problems: readonly RuleProblem[];

  constructor(problems: readonly RuleProblem[]) {
    super(problems.map(problemText).join('\n'));
    this.problems = problems;
  }
}

/** Returns one line, without control characters of the file. */
export function problemText({ line, path, problem, remedy }: RuleProblem): string {
  const place = path === '' ? `line ${line}` : `line ${line}, ${path}`;
  return `${place}: ${problem}; ${remedy}`;
}
