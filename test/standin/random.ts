/** Numbers that look random and are the same for the same seed. */

export interface Random {
  /** From 0 up to, not including, 1. */
  next(): number;
  /** From low up to high. */
  between(low: number, high: number): number;
  /** Around 0, with a standard deviation of 1. */
  normal(): number;
  pick<T>(items: readonly T[]): T | undefined;
  /** Lower-case letters and digits as Kubernetes appends to names. */
  suffix(length: number): string;
}

/** Streams of different names are independent, so that what one part draws does not change the others. */
export function createRandom(seed: number, stream: string): Random {
  let state = hash(`${seed}/${stream}`);
  return { next, between, normal, pick, suffix };

  /** Mulberry32: 32 bits of state are enough for a cluster that is not real. */
  function next(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  function between(low: number, high: number): number {
    return low + (high - low) * next();
  }

  function normal(): number {
    return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  }

  function pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(next() * items.length)];
  }

  function suffix(length: number): string {
    return Array.from({ length }, () => suffixAlphabet.charAt(Math.floor(next() * suffixAlphabet.length))).join('');
  }
}

/** Without vowels, 0, 1 and 3, so that no words come out. */
const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** FNV-1a over the characters' codes. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return value >>> 0;
}
