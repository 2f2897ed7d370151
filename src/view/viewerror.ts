/** The error of a read that failed: one sentence for people, with the missing right. */
import { StatusError } from '../apimachinery/status.ts';
import { foreignText } from '../foreigntext.ts';
import { describeError } from '../logging.ts';

export class ViewError extends Error {
  override readonly name = 'ViewError';
  /** The HTTP status; undefined without an answer. */
  readonly status: number | undefined;

  constructor(message: string, status: number | undefined, options: ErrorOptions = {}) {
    super(message, options);
    this.status = status;
  }
}

/** @param what was read: a verb and a resource, such as `list pods in namespace web`, which is also the name of the right. */
export function toViewError(what: string, cause: unknown): ViewError {
  if (!(cause instanceof StatusError)) {
    return new ViewError(`cannot ${what}: no usable answer: ${foreignText(describeError(cause))}`, undefined, {
      cause,
    });
  }
  const { code } = cause;
  if (code === 401)
    return new ViewError('kube-apiserver rejects the credentials of this kubeconfig (401)', code, { cause });
  if (code === 403) return new ViewError(`cannot ${what}: this user lacks the right to ${what}`, code, { cause });
  if (code === 404) return new ViewError(`cannot ${what}: it is not served (404)`, code, { cause });
  return new ViewError(`cannot ${what}: kube-apiserver answers ${code}: ${foreignText(cause.message)}`, code, {
    cause,
  });
}

/** Returns the sentence of a failed read. @throws anything else. */
export function sentenceOf(error: unknown): string {
  if (error instanceof ViewError) return error.message;
  throw error;
}
