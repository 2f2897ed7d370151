/** What a name stands for, and the error where that cannot be learned. */
import { quote } from '../apimachinery/quote.ts';

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/**
 * Resolves a name to its addresses, in the order in which to try them; never to none.
 * The signal ends the look-up.
 * @throws LookupError
 */
export type Resolve = (name: string, signal: AbortSignal) => Promise<readonly Address[]>;

/** The code of a LookupError. */
export const lookupErrorCode = 'ERR_NAME_LOOKUP';

/** No address could be had for a name. Programs tell it by its code, also after it has crossed threads. */
export class LookupError extends Error {
  override readonly name = 'LookupError';
  readonly code = lookupErrorCode;
  /** Whether there is such a name; false also where that is not known. */
  readonly absent: boolean;

  /** @param reason in a few words. */
  constructor(host: string, reason: string, absent = false) {
    super(`the name ${plain.test(host) ? host : quote(host)} could not be resolved: ${reason}`);
    this.absent = absent;
  }
}

/** Needs no quotes in a message. */
const plain = /^[\w.-]{1,254}$/;
