/** Decrypts a TLS 1.3 peer's handshake (RFC 8446, 5.2 and 7.3) by our OpenSSL's exported secret. */
import { createDecipheriv, createHmac } from 'node:crypto';

/** Throws if not authentic. */
export type RecordDecrypter = (header: Buffer, ciphertext: Buffer) => Buffer;

interface Cipher {
  readonly name: 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305';
  readonly hash: 'sha256' | 'sha384';
  readonly keyBytes: number;
}

/** CCM suites are never offered: no program of Kubernetes has them. */
const ciphers: ReadonlyMap<string, Cipher> = new Map([
  ['TLS_AES_128_GCM_SHA256', { name: 'aes-128-gcm', hash: 'sha256', keyBytes: 16 }],
  ['TLS_AES_256_GCM_SHA384', { name: 'aes-256-gcm', hash: 'sha384', keyBytes: 32 }],
  ['TLS_CHACHA20_POLY1305_SHA256', { name: 'chacha20-poly1305', hash: 'sha256', keyBytes: 32 }],
]);

const nonceBytes = 12;
const tagBytes = 16;

/** Returns undefined for other lines of the key log. */
export function handshakeSecret(line: string, side: 'client' | 'server'): Buffer | undefined {
  const [label, , secret = ''] = line.trim().split(' ');
  return label === `${side.toUpperCase()}_HANDSHAKE_TRAFFIC_SECRET` ? Buffer.from(secret, 'hex') : undefined;
}

/**
 * Returns a function of consecutive records.
 * @param suite standard name.
 * @throws Error for an unknown suite.
 */
export function recordDecrypter(suite: string, secret: Buffer): RecordDecrypter {
  const cipher = ciphers.get(suite);
  if (cipher === undefined) throw new Error(`unknown cipher suite ${suite}`);
  const key = expandLabel(cipher.hash, secret, 'key', cipher.keyBytes);
  const mask = expandLabel(cipher.hash, secret, 'iv', nonceBytes);
  let sequence = 0;
  return (header, ciphertext) => {
    const nonce = Buffer.from(mask);
    // A flight has fewer than 2^32 records.
    nonce.writeUInt32BE((nonce.readUInt32BE(nonceBytes - 4) ^ sequence) >>> 0, nonceBytes - 4);
    sequence += 1;
    const decipher = createDecipheriv(cipher.name as 'aes-128-gcm', key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(header);
    decipher.setAuthTag(ciphertext.subarray(-tagBytes));
    return Buffer.concat([decipher.update(ciphertext.subarray(0, -tagBytes)), decipher.final()]);
  };
}

/** HKDF-Expand-Label without context, of one hash at most. */
function expandLabel(hash: Cipher['hash'], secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`, 'latin1');
  const info = Buffer.concat([Buffer.from([0, length, name.length]), name, Buffer.from([0, 1])]);
  return createHmac(hash, secret).update(info).digest().subarray(0, length);
}
