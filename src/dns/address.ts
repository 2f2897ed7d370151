/** The addresses of a host name, and the error if they cannot be resolved. */
import { quote } from '../apimachinery/quote.ts';

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/**
 * Resolves to at least one address, in the order to try; the signal ends it.
 * @throws LookupError
 */
export type Resolve = (name: string, signal: AbortSignal) => Promise<readonly Address[]>;

/** The code of a LookupError. */
export const lookupErrorCode = 'ERR_NAME_LOOKUP';

/** Check the code, not the class: the error may be another thread's. */
export class LookupError extends Error {
  override readonly name = 'LookupError';
  readonly code = lookupErrorCode;
  /** False while unknown. */
  readonly absent: boolean;

  constructor(host: string, reason: string, absent = false) {
    super(`the name ${plain.test(host) ? host : quote(host)} could not be resolved: ${reason}`);
    this.absent = absent;
  }
}

const plain = /^[\w.-]{1,254}$/;
