/** A certificate with its private key. */
import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { parseCertificates } from './trustbundle.ts';

export interface KeyPair {
  /** PEM, with intermediates. */
  readonly cert: string;
  readonly key: string;
}

export interface KeyPairSource {
  readonly first: KeyPair;
  /** Milliseconds. */
  readonly intervalMs: number;
  /** Returns undefined without a new pair. Throws Error for an unusable one. */
  next(): Promise<KeyPair | undefined>;
}

/**
 * Parses and checks a pair: Node accepts one that does not match, and every handshake fails.
 * @param certSource and keySource name the files in errors.
 * @throws Error for a malformed pair, or one that does not match.
 */
export function certificateOf(pair: KeyPair, certSource: string, keySource: string): X509Certificate {
  const [certificate] = parseCertificates(pair.cert, certSource);
  if (certificate?.checkPrivateKey(parseKey(pair.key, keySource)) !== true) {
    throw new Error(`${keySource} is not the key of the first certificate in ${certSource}`);
  }
  checkUsable(pair, certSource);
  return certificate;
}

/** OpenSSL refuses some pairs, mostly for a weak key. */
function checkUsable({ cert, key }: KeyPair, certSource: string): void {
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    throw new Error(`the certificate in ${certSource} cannot be served`, { cause });
  }
}

/** @throws Error that names the source of anything but a certificate with intermediates. */
export function certificateText(text: string, source: string): string {
  parseCertificates(text, source);
  return text;
}

/** @throws Error that names the source of anything but a private key. */
export function keyText(text: string, source: string): string {
  parseKey(text, source);
  return text;
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
