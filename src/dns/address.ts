/** The addresses of a host name, and the error if they cannot be resolved. */
import { quote } from '../apimachinery/quote.ts';

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/**
 * Resolves a name to its addresses, at least one, in the order in which to try them. The signal ends the look-up.
 * @throws LookupError
 */
export type Resolve = (name: string, signal: AbortSignal) => Promise<readonly Address[]>;

/** The code of a LookupError. */
export const lookupErrorCode = 'ERR_NAME_LOOKUP';

/** A name could not be resolved. Check the code, not the class: the error may come from another thread. */
export class LookupError extends Error {
  override readonly name = 'LookupError';
  readonly code = lookupErrorCode;
  /** True if there is no such name; false also while that is not known. */
  readonly absent: boolean;

  /** @param reason in a few words. */
  constructor(host: string, reason: string, absent = false) {
    super(`the name ${plain.test(host) ? host : quote(host)} could not be resolved: ${reason}`);
    this.absent = absent;
  }
}

/** Names that need no quotes in a message. */
const plain = /^[\w.-]{1,254}$/;
