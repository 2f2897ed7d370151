/** Errors of kube-apiserver for a patch of an APIService. */
import { StatusError } from '../apimachinery/status.ts';

/** Distinguishes a failed patch from a failed read. */
export class PatchError extends Error {
  readonly code: number | undefined;

  constructor(cause: unknown) {
    super('the patch of the APIService failed', { cause });
    this.code = cause instanceof StatusError ? cause.code : undefined;
  }
}

/** Codes after which the same patch fails again. */
export const rejections: ReadonlySet<number | undefined> = new Set([400, 405, 413, 415]);
