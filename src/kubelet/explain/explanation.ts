/** Why a kubelet cannot be read: a code for programs, the rest for operators. */
import type { KubeletFaultCode } from '../../messagecodes.ts';

export type ExplanationCode = KubeletFaultCode;

export interface Explanation {
  readonly code: ExplanationCode;
  readonly what: string;
  /** Undefined if unknown. */
  readonly remedy: string | undefined;
}

/** Returns message and remedy in one line, for a log. */
export function inOneLine({ what, remedy }: Explanation): string {
  return remedy === undefined ? what : `${what}; ${remedy}`;
}
