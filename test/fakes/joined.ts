/** Joins the pieces of an answer, as a client does. */
import type { Pieces } from '../../src/apimachinery/pieces.ts';

export function joined(pieces: Pieces): Buffer {
  return Buffer.concat(piecesOf(pieces));
}

/** Copies, since each is good until the next one only. */
export function piecesOf(pieces: Pieces): Buffer[] {
  const copies: Buffer[] = [];
  for (;;) {
    const { done, value } = pieces.next();
    if (value !== undefined) copies.push(Buffer.from(value));
    if (done === true) return copies;
  }
}
