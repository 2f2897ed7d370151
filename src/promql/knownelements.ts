/**
 * Recognises series that differ from an earlier one in the values of labels only. A list of 100,000 series has some
 * hundred shapes, and a series of a known shape is neither decoded nor parsed.
 */

const quote = 0x22;
const backslash = 0x5c;
const space = 0x20;
/** Stands for any value. JSON has no such byte. */
const anyValue = 0;

/** Prometheus 2 sends series in order. Others mix the shapes of a selector. */
const knownLimit = 16;
/** Bytes of one, which is copied. Series of usual engines have some hundred. */
const lengthLimit = 4_096;

export class KnownElements {
  /** The last one that matched first. */
  readonly #known: Buffer[] = [];
  readonly #fixed: string;

  /** @param fixed the label whose value counts, such as `__name__`. */
  constructor(fixed: string) {
    this.#fixed = JSON.stringify(fixed);
  }

  /**
   * Returns the index behind the element that begins at `from`; -1 if it is not known, or not whole in the chunk. The
   * fast path of the splitter, JSON.parse and the fold. A known element is equal to one that they have read but for
   * values, which are valid JSON without escapes; knownelements.test.ts compares both.
   */
  end(chunk: Buffer, from: number): number {
    for (let index = 0; index < this.#known.length; index += 1) {
      const known = this.#known[index]!;
      const end = endOf(known, chunk, from);
      if (end < 0) continue;
      if (index > 0) {
        this.#known.splice(index, 1);
        this.#known.unshift(known);
      }
      return end;
    }
    return -1;
  }

  /** Takes an element that was read the slow way. One with escapes, or with more than strings, is left out. */
  learn(bytes: Buffer): void {
    const known = bytes.length <= lengthLimit ? this.#withoutValues(bytes) : undefined;
    // One that the end of a chunk has cut is known already.
    if (known === undefined || this.#known.some((each) => each.equals(known))) return;
    this.#known.unshift(known);
    if (this.#known.length > knownLimit) this.#known.pop();
  }

  #withoutValues(bytes: Buffer): Buffer | undefined {
    // Byte for byte, whatever their encoding.
    const text = bytes.toString('latin1');
    if (!flatObject.test(text)) return undefined;
    return Buffer.from(
      text.replaceAll(member, (whole, key: string) => (key === this.#fixed ? whole : `${key}:"\0"`)),
      'latin1',
    );
  }
}

/** As engines write a series: an object of strings without spaces and escapes. */
const flatObject = /^\{(?:"[^"\\\p{Cc}]*":"[^"\\\p{Cc}]*",?)*\}$/u;
const member = /("[^"]*"):"[^"]*"/g;

function endOf(known: Buffer, chunk: Buffer, from: number): number {
  // Reads beyond an end are slow.
  const { length } = known;
  const { length: limit } = chunk;
  let at = from;
  for (let index = 0; index < length; index += 1) {
    const byte = known[index]!;
    if (byte === anyValue) {
      at = endOfValue(chunk, at, limit);
      if (at < 0) return -1;
    } else if (at === limit || chunk[at++] !== byte) return -1;
  }
  return at;
}

/** Returns the index of the quote behind a value; -1 if the slow path has to look at it, or the chunk ends. */
function endOfValue(chunk: Buffer, from: number, limit: number): number {
  for (let at = from; at < limit; at += 1) {
    const byte = chunk[at]!;
    if (byte === quote) return at;
    if (byte < space || byte === backslash) return -1;
  }
  return -1;
}
