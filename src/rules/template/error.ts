/** The failure of a template, and the limits of what one may cost. */

/** A template cannot be parsed or executed. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';

  /** Without a position. */
  readonly problem: string;
  /** In the template, from 1; 0 if it is not known. */
  readonly line: number;
  /** Whether other data of the same types may work: an index that is out of range. */
  readonly dependsOnData: boolean;

  constructor(problem: string, line: number, dependsOnData = false) {
    super(line > 0 ? `line ${line}: ${problem}` : problem);
    this.problem = problem;
    this.line = line;
    this.dependsOnData = dependsOnData;
  }
}

/** Characters of a template. The longest public ones have a thousand. */
export const templateLengthLimit = 65_536;

/** Control structures and parentheses within each other. Go allows 10,000 parentheses, which no query needs. */
export const nestingLimit = 100;

/** UTF-16 units of an execution's output: 1,500 pods with names of 250 characters, named four times. */
export const outputLimit = 2_000_000;

/** Nodes that one execution visits. A query visits less than a hundred. */
export const stepLimit = 100_000;
