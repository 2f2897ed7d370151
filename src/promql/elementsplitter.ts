/**
 * Splits a JSON document while its bytes arrive: the elements of one array, and the rest of the document. JSON.parse of
 * a whole answer of 30 MB would hold the event loop for 200 ms; each element has some hundred bytes.
 */
import type { AnswerLimits } from './answerlimits.ts';
import type { KnownElements } from './knownelements.ts';

/** The answer has more of something than its limit. */
export class AnswerLimitError extends Error {
  override readonly name = 'AnswerLimitError';
}

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const space = 0x20;

/** Characters; a longer key is no part of a path. */
const keyLimit = 32;

/** Checks no syntax: damaged text yields elements or an envelope that JSON.parse rejects. */
export class ElementSplitter {
  readonly #path: readonly string[];
  readonly #limits: AnswerLimits;
  readonly #onElement: (text: string) => void;
  readonly #known: KnownElements | undefined;
  #mode: 'envelope' | 'between' | 'element' = 'envelope';
  #depth = 0;
  #inString = false;
  #isEscaped = false;
  /** The last string of the envelope, which may be a key. */
  #text = '';
  /** The current key of each level, from 1. */
  readonly #keys: (string | undefined)[] = [];
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  readonly #envelope: Buffer[] = [];
  #envelopeBytes = 0;
  #elements = 0;

  /**
   * @param path keys that lead to the array, such as `data`, `result`.
   * @param onElement gets the JSON text of each element, in order.
   * @param known counts its elements without `onElement`.
   */
  constructor(path: readonly string[], limits: AnswerLimits, onElement: (text: string) => void, known?: KnownElements) {
    this.#path = path;
    this.#limits = limits;
    this.#onElement = onElement;
    this.#known = known;
  }

  /** So far. */
  get elements(): number {
    return this.#elements;
  }

  /** @throws AnswerLimitError, and what onElement throws. */
  write(chunk: Buffer): void {
    // The first byte that is not handed over yet.
    let from = 0;
    for (let index = 0; index < chunk.length; index += 1) {
      const byte = chunk[index] ?? 0;
      if (this.#inString) {
        if (this.#mode === 'envelope') this.#readString(byte);
        else index = this.#skipString(chunk, index);
        continue;
      }
      switch (this.#mode) {
        case 'envelope':
          if (this.#readEnvelope(byte)) {
            this.#keepEnvelope(chunk.subarray(from, index + 1));
            from = index + 1;
          }
          break;
        case 'between':
          if (byte === closeBracket) {
            this.#endArray();
            from = index;
          } else if (byte !== comma && byte > space) {
            const end = this.#endOfKnown(chunk, index);
            if (end > index) {
              // Behind it the loop goes on.
              index = end - 1;
              break;
            }
            this.#mode = 'element';
            from = index;
            this.#readElement(byte);
          }
          break;
        case 'element':
          if ((byte === comma || byte === closeBracket) && this.#depth === this.#path.length + 1) {
            this.#endElement(chunk.subarray(from, index));
            if (byte === closeBracket) this.#endArray();
            from = index;
          } else if (this.#readElement(byte)) {
            this.#endElement(chunk.subarray(from, index + 1));
          }
      }
    }
    if (this.#mode === 'envelope') this.#keepEnvelope(chunk.subarray(from));
    else if (this.#mode === 'element') this.#keepElement(chunk.subarray(from));
  }

  /** Returns the document with an empty array in place of the elements. */
  end(): string {
    if (this.#depth !== 0 || this.#inString) throw new Error('the answer ends in the middle');
    return Buffer.concat(this.#envelope).toString('utf8');
  }

  /** Reads a byte of a string of the envelope. */
  #readString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === backslash) this.#isEscaped = true;
    else if (byte === quote) this.#inString = false;
    if (this.#inString && this.#text.length < keyLimit) {
      this.#text += String.fromCharCode(byte);
    }
  }

  /** Skips a string of an element. Returns the index of its end, or the chunk's last if it goes on in the next. */
  #skipString(chunk: Buffer, from: number): number {
    let at = this.#isEscaped ? from + 1 : from;
    for (; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (byte === quote) {
        this.#inString = false;
        break;
      }
      if (byte === backslash) at += 1;
    }
    // A backslash was the last byte.
    this.#isEscaped = at > chunk.length;
    return at;
  }

  /** Returns the index behind a known element that begins here, or -1. */
  #endOfKnown(chunk: Buffer, from: number): number {
    const end = this.#known?.end(chunk, from) ?? -1;
    if (end < 0 || end - from > this.#limits.elementBytes) return -1;
    this.#count();
    return end;
  }

  /** Returns whether the array begins. */
  #readEnvelope(byte: number): boolean {
    switch (byte) {
      case quote:
        this.#inString = true;
        this.#text = '';
        return false;
      case colon:
        if (this.#depth <= this.#path.length) this.#keys[this.#depth] = this.#text;
        return false;
      case openBrace:
        this.#goDown();
        return false;
      case openBracket: {
        const isArray = this.#depth === this.#path.length && this.#path.every((key, at) => this.#keys[at + 1] === key);
        this.#goDown();
        if (isArray) this.#mode = 'between';
        return isArray;
      }
      case closeBrace:
      case closeBracket:
        this.#depth -= 1;
        return false;
      default:
        return false;
    }
  }

  /** Returns whether an object or array that is the element ends. */
  #readElement(byte: number): boolean {
    if (byte === quote) this.#inString = true;
    else if (byte === openBrace || byte === openBracket) this.#goDown();
    else if (byte === closeBrace || byte === closeBracket) {
      this.#depth -= 1;
      return this.#depth === this.#path.length + 1;
    }
    return false;
  }

  #goDown(): void {
    this.#depth += 1;
    if (this.#depth <= this.#path.length) this.#keys[this.#depth] = undefined;
    if (this.#depth > this.#limits.depth) {
      throw new AnswerLimitError(`the answer is nested deeper than ${this.#limits.depth} levels`);
    }
  }

  #endArray(): void {
    this.#depth -= 1;
    this.#mode = 'envelope';
  }

  #endElement(rest: Buffer): void {
    this.#mode = 'between';
    this.#count();
    this.#checkElement(rest.length);
    const bytes = this.#pending.length === 0 ? rest : Buffer.concat([...this.#pending, rest]);
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#onElement(bytes.toString('utf8'));
    this.#known?.learn(bytes);
  }

  #count(): void {
    this.#elements += 1;
    if (this.#elements <= this.#limits.elements) return;
    throw new AnswerLimitError(`the answer has more than ${this.#limits.elements} series`);
  }

  #keepElement(bytes: Buffer): void {
    this.#checkElement(bytes.length);
    this.#pending.push(Buffer.from(bytes));
    this.#pendingBytes += bytes.length;
  }

  #checkElement(moreBytes: number): void {
    if (this.#pendingBytes + moreBytes <= this.#limits.elementBytes) return;
    throw new AnswerLimitError(`a series of the answer has more than ${this.#limits.elementBytes} bytes`);
  }

  #keepEnvelope(bytes: Buffer): void {
    this.#envelopeBytes += bytes.length;
    if (this.#envelopeBytes > this.#limits.envelopeBytes) {
      throw new AnswerLimitError(`the answer has more than ${this.#limits.envelopeBytes} bytes beside its series`);
    }
    this.#envelope.push(Buffer.from(bytes));
  }
}
