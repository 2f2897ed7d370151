/** What is reported of requests to kube-apiserver. Apart from their metrics, which a command that looks at a cluster does not load. */
import { StatusError } from '../apimachinery/status.ts';

/** With the status or `<error>`, and the Date header if it is by kube-apiserver's clock. */
export type OnRequest = (method: string, host: string, code: string, date?: string | readonly string[]) => void;
/** Called once per try of a review, with the HTTP status or `<error>`. */
export type OnReview = (code: string, seconds: number) => void;

/** As in Kubernetes. */
export const noAnswer = '<error>';

export function codeOf(error: unknown): string {
  return error instanceof StatusError ? String(error.code) : noAnswer;
}
