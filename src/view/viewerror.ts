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

/** The sentence of a 401 to a user. */
export const rejectedCredentials =
  'kube-apiserver rejects the credentials of this kubeconfig (401); log in again, or use another kubeconfig or context';

/** @param what was read: a verb and a resource, such as `list pods in namespace web`, which is also the name of the right. */
export function toViewError(what: string, cause: unknown): ViewError {
  if (!(cause instanceof StatusError)) {
    // Beside the read's name, the client's `GET <url> failed` says nothing new, and keeps equal reasons apart.
    const reason = cause instanceof Error ? (cause.cause ?? cause) : cause;
    return new ViewError(`cannot ${what}: no usable answer: ${foreignText(describeError(reason))}`, undefined, {
      cause,
    });
  }
  const { code } = cause;
  if (code === 401) return new ViewError(rejectedCredentials, code, { cause });
  if (code === 403) return new ViewError(`cannot ${what}: this user lacks the right to ${what}`, code, { cause });
  if (code === 404) return new ViewError(`cannot ${what}: it is not served (404)`, code, { cause });
  return new ViewError(`cannot ${what}: kube-apiserver answers ${code}: ${foreignText(cause.message)}`, code, {
    cause,
  });
}

/** Merges sentences with one reason, as of an unreachable kube-apiserver: `cannot list nodes, list pods: <reason>`. */
export function mergeSentences(sentences: readonly string[]): readonly string[] {
  const byReason = Map.groupBy(sentences, (sentence) => /^cannot [^:]+: (.*)$/s.exec(sentence)?.[1] ?? sentence);
  return [...byReason].map(([reason, group]) => {
    const [first = '', ...others] = new Set(group.map((sentence) => sentence.slice(0, -reason.length - 2)));
    return others.length === 0 ? (group[0] ?? '') : `${[first, ...others.map(withoutCannot)].join(', ')}: ${reason}`;
  });
}

const withoutCannot = (sentence: string): string => sentence.replace(/^cannot /, '');

/** Returns the sentence of a failed read. @throws anything else. */
export function sentenceOf(error: unknown): string {
  if (error instanceof ViewError) return error.message;
  throw error;
}
