/** Public keys that cost their reader much more than their bytes; there are no private halves. */
import { randomBytes } from 'node:crypto';
import { bits, integer, octets, oid, sequence } from './rawcertificates.ts';

/** 97 * 2^652 + 1 is a prime. A square root modulo it takes OpenSSL 652 rounds of up to 652 squarings. */
const prime = (97n << 652n) + 1n;
const primeBytes = Math.ceil(prime.toString(2).length / 8);

/**
 * Returns a key of 650 bytes on a curve with parameters of its own, whose points are compressed: OpenSSL takes 0.3 s to decode it, and decodes it whenever it
 * reads a certificate.
 */
export function slowCurveSpki(): Buffer {
  const [a, b] = [5n, 7n];
  const params = sequence(
    integer(1),
    sequence(oid('1.2.840.10045.1.1'), integer(numberBytes(prime))),
    sequence(octets(numberBytes(a)), octets(numberBytes(b))),
    octets(compressedPoint(a, b)),
    integer(numberBytes(prime - 2n)),
    integer(1),
  );
  return sequence(sequence(oid('1.2.840.10045.2.1'), params), bits(compressedPoint(a, b)));
}

function compressedPoint(a: bigint, b: bigint): Buffer {
  let x = BigInt(`0x${randomBytes(primeBytes - 2).toString('hex')}`);
  for (; ; x += 1n) {
    const square = (x * x * x + a * x + b) % prime;
    // A square, but no fourth power: the slowest to find the root of.
    if (power(square, (prime - 1n) / 2n) === 1n && power(square, (prime - 1n) / 4n) !== 1n) break;
  }
  return Buffer.concat([Buffer.from([2]), numberBytes(x)]);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let factor = base;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = (result * factor) % prime;
    factor = (factor * factor) % prime;
  }
  return result;
}

function numberBytes(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(primeBytes * 2, '0'), 'hex');
}
