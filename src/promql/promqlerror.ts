/** Why a PromQL engine gave no answer. */
import { AnswerLimitError } from './elementsplitter.ts';

/**
 * unavailable: no connection. interrupted: one that broke behind the request, a proxy's 502 or 503. late: nothing within
 * the deadline, a proxy's 504, a 422 since the engine's own limit of time was over. failed: an engine's 5xx, its 408, 425
 * or 429, a 422 since a store is away. refused: its other 4xx, a redirect. invalid: no answer of an engine, or one beyond
 * a limit.
 */
export type PromqlProblem = 'unavailable' | 'interrupted' | 'late' | 'failed' | 'refused' | 'invalid';

/** The message is short and names a remedy. It has no credentials. The cause is for the log. */
export class PromqlError extends Error {
  override readonly name = 'PromqlError';
  readonly problem: PromqlProblem;
  /** The HTTP status, if there was one. */
  readonly code: number | undefined;

  constructor(problem: PromqlProblem, message: string, options: ErrorOptions & { readonly code?: number } = {}) {
    super(message, options);
    this.problem = problem;
    this.code = options.code;
  }
}

/** Reports whether the same request may succeed soon: the engine or the way to it has a problem, not the request. */
export function isTransient(error: unknown): boolean {
  return error instanceof PromqlError && transientProblems.has(error.problem);
}

/** Reports whether the engine asks for fewer requests. */
export function isOverloaded(error: unknown): boolean {
  return error instanceof PromqlError && error.code === 429;
}

/** Reports whether the engine itself gave no answer. */
export function hasNoAnswer({ problem }: PromqlError): boolean {
  return unanswered.has(problem);
}

const unanswered: ReadonlySet<PromqlProblem> = new Set(['unavailable', 'interrupted', 'late']);
const transientProblems: ReadonlySet<PromqlProblem> = new Set([...unanswered, 'failed']);

const isRefused = ({ problem, code }: PromqlError) => (problem === 'refused' || problem === 'late') && code === 422;

/** Reports whether the query may select too much: the answer is above a limit of ours, or its evaluation above one of the engine's, its time included. */
export function isTooMuch(error: unknown): boolean {
  return error instanceof PromqlError && (error.cause instanceof AnswerLimitError || isRefused(error));
}
