/** A certificate and its private key, and whether they belong together. */
import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { parseCertificates } from './trustbundle.ts';

export interface KeyPair {
  /** PEM: the certificate itself, then its intermediates, if any. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
}

/** Where pairs come from, one after the other. */
export interface KeyPairSource {
  readonly first: KeyPair;
  /** How often to look for the next one. */
  readonly intervalMs: number;
  /** Looks whether there is another pair; throws Error when there is one that is not good. */
  next(): Promise<KeyPair | undefined>;
}

/**
 * Reads the certificate of a pair. Node takes a pair that does not fit without a word, and then every handshake fails.
 * @param certSource and keySource name where the texts are from, in errors.
 * @throws Error when one of them is broken or they do not belong together.
 */
export function certificateOf(pair: KeyPair, certSource: string, keySource: string): X509Certificate {
  const [certificate] = parseCertificates(pair.cert, certSource);
  if (certificate?.checkPrivateKey(parseKey(pair.key, keySource)) !== true) {
    throw new Error(`${keySource} is not the key of the first certificate in ${certSource}`);
  }
  checkUsable(pair, certSource);
  return certificate;
}

/** OpenSSL refuses some pairs that fit, most likely for a weak key; later it would be the whole server that cannot be made. */
function checkUsable({ cert, key }: KeyPair, certSource: string): void {
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    throw new Error(`the certificate in ${certSource} cannot be served`, { cause });
  }
}

function parseKey(pem: string, source: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new Error(`${source} holds no private key that can be read; expected PEM text without a passphrase`, {
      cause,
    });
  }
}
