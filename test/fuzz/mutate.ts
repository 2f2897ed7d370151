/** Changes real inputs a little, as transmission, other programs and attackers do. */
import { inputLimit } from './target.ts';
import type { Random } from './random.ts';

/** Numbers at the edges of what parsers count with, in texts. */
const numbers = [
  '0',
  '-1',
  '1e999',
  '-0',
  'NaN',
  '+Inf',
  '9223372036854775808',
  '18446744073709551616',
  '1e-400',
  '00',
  '0x1',
];
/** Bytes at the edges, in binary forms. */
const edges = [
  [0],
  [0xff],
  [0x7f],
  [0x80],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0x0a],
  [0x0d, 0x0a],
  [0xc3],
  [0xed, 0xa0, 0x80],
];

/**
 * Returns a copy with one to eight changes.
 * @param words of the input's language, which take the place of others.
 */
export function mutate(
  random: Random,
  input: Buffer,
  words: readonly string[] = [],
  others: readonly Buffer[] = [],
): Buffer {
  let bytes = input;
  for (let changes = 1 + random.small(8); changes > 0; changes -= 1) bytes = change(random, bytes, words, others);
  return Buffer.from(bytes.subarray(0, inputLimit));
}

function change(random: Random, bytes: Buffer, words: readonly string[], others: readonly Buffer[]): Buffer {
  const at = random.below(bytes.length + 1);
  const length = Math.min(1 + random.small(random.once(4) ? bytes.length : 16), bytes.length - at);
  switch (random.below(10)) {
    case 0: {
      const changed = Buffer.from(bytes);
      if (at < changed.length) changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
      return changed;
    }
    case 1:
      return splice(bytes, at, length, Buffer.alloc(0));
    case 2:
      return splice(bytes, at, 0, random.bytes(1 + random.small(16)));
    case 3:
      return splice(bytes, at, 1, Buffer.from(random.of(edges)));
    case 4:
      return splice(bytes, at, 0, repeated(random, bytes.subarray(at, at + length)));
    case 5:
      return bytes.subarray(0, at);
    case 6:
      return words.length === 0 ? bytes : splice(bytes, at, random.once(2) ? 0 : length, Buffer.from(random.of(words)));
    case 7:
      return splice(bytes, at, length, Buffer.from(random.of(numbers)));
    case 8: {
      // A piece of another place takes the place of this one.
      const from = random.below(bytes.length + 1);
      return splice(bytes, at, length, bytes.subarray(from, from + length));
    }
    default: {
      const other = others.length === 0 ? bytes : random.of(others);
      const from = random.below(other.length + 1);
      return splice(bytes, at, length, other.subarray(from, from + 1 + random.small(4_000)));
    }
  }
}

/** Mostly twice, sometimes very often. */
function repeated(random: Random, piece: Buffer): Buffer {
  const times = random.once(8) ? Math.ceil(random.below(20_000) / Math.max(1, piece.length)) : 1 + random.below(3);
  return Buffer.concat(Array.from({ length: times }, () => piece));
}

function splice(bytes: Buffer, at: number, removed: number, added: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)]);
}
