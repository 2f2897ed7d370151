/** The error of a check that cannot look. */
import { type Finding, uncheckedCode } from './finding.ts';

/** Something could not be looked at. */
export class UncheckedError extends Error {
  override readonly name = 'UncheckedError';
  /** Kind and name of what was not seen. */
  readonly object: string;
  readonly remedy: string | undefined;

  constructor(object: string, problem: string, options: ErrorOptions & { readonly remedy?: string | undefined } = {}) {
    super(problem, options);
    this.object = object;
    this.remedy = options.remedy;
  }

  toFinding(): Finding {
    return {
      code: uncheckedCode,
      severity: 'unchecked',
      object: this.object,
      problem: this.message,
      ...(this.remedy === undefined ? {} : { remedy: this.remedy }),
    };
  }
}
