/**
 * Writes what lists are made of as JSON, to the byte as encodeJson does: text, times, quantities. What is common takes a fast path, here; all
 * else the slow one. Called for every container of a list, of which there may be 300,000. Watched by `npm run bench -- lists`.
 */
import { formatDuration } from './duration.ts';
import type { Labels } from './labels.ts';
import { formatTime, quoteJson, wireSeconds } from './meta.ts';
import { PieceWriter } from './pieces.ts';
import { formatBinary, formatDecimalNano } from './quantity.ts';

export class JsonWriter extends PieceWriter {
  /** The day of the time before, in seconds since the epoch, and how it is written. */
  #dayStart = Number.NaN;
  #day = Buffer.alloc(0);
  /** Labels of pods from one template are the same object, and such pods are neighbours in a list. */
  #labels: Labels | undefined;
  #labelsStart = 0;
  #labelsLength = 0;
  /** Keys of labels, up to the value. */
  readonly #labelKeys = new Map<string, Buffer>();

  override take(): Buffer {
    this.#labels = undefined;
    return super.take();
  }

  // All is written without the quotation marks around it, but for labels.

  content(text: string): void {
    if (!this.textOf(text, plain)) this.text(quoteJson(text).slice(1, -1));
  }

  /** As formatTime. */
  time(ms: number): void {
    const seconds = wireSeconds(ms);
    const ofDay = seconds - this.#dayStart;
    if (!(ofDay >= 0 && ofDay < secondsPerDay)) return this.#timeOfAnotherDay(ms, seconds);
    this.bytes(this.#day);
    this.timeOfDay(ofDay);
    this.byte(endOfTime);
  }

  #timeOfAnotherDay(ms: number, seconds: number): void {
    const text = formatTime(ms);
    this.#dayStart = seconds - (seconds % secondsPerDay);
    this.#day = Buffer.from(text.slice(0, text.indexOf('T') + 1));
    this.text(text);
  }

  /** As formatDuration. */
  duration(ms: number): void {
    if (!Number.isInteger(ms) || ms < 1000 || ms >= 60_000) return this.content(formatDuration(ms));
    this.thousandths(ms);
    this.byte(endOfDuration);
  }

  /** As formatDecimalNano. */
  decimalNano(nanocores: number): void {
    // One in a thousand is a whole number of micros. (No %, which is slow for large numbers.)
    if (Math.floor(nanocores / 1000) * 1000 === nanocores) return this.text(formatDecimalNano(nanocores));
    this.decimal(nanocores);
    this.byte(nano);
  }

  /** As formatBinary. */
  binary(bytes: number): void {
    const kibibytes = bytes / 1024;
    // Memory is counted in pages, so it is a whole number of kibibytes and seldom one of mebibytes.
    if (kibibytes !== Math.floor(kibibytes)) return this.text(formatBinary(bytes));
    if (kibibytes / 1024 === Math.floor(kibibytes / 1024)) return this.text(formatBinary(bytes));
    this.decimal(kibibytes);
    this.bytes(kibi);
  }

  /** A member of metadata with a comma before it; nothing where there is no label. */
  labels(labels: Labels): void {
    if (labels === this.#labels) return this.again(this.#labelsStart, this.#labelsLength);
    const start = this.length;
    if (labels.size > 0) this.#writeLabels(labels);
    this.#labels = labels;
    this.#labelsStart = start;
    this.#labelsLength = this.length - start;
  }

  #writeLabels(labels: Labels): void {
    const start = this.length;
    this.bytes(labelsMember);
    let open = braceOpen;
    let keyBefore = '';
    for (const [key, value] of labels) {
      if (key < keyBefore) {
        // kube-apiserver sorts them, but nobody promises that.
        this.length = start;
        return this.#writeLabels(new Map([...labels].sort(([one], [other]) => (one < other ? -1 : 1))));
      }
      keyBefore = key;
      this.byte(open);
      open = comma;
      this.bytes(this.#beforeValue(key));
      this.content(value);
      this.byte(quotationMark);
    }
    this.byte(braceClose);
  }

  #beforeValue(key: string): Buffer {
    const known = this.#labelKeys.get(key);
    if (known !== undefined) return known;
    const made = Buffer.from(`${quoteJson(key)}:"`);
    if (this.#labelKeys.size < labelKeysLimit) this.#labelKeys.set(key, made);
    return made;
  }
}

/** Keys that are remembered; a large cluster has some dozens. */
const labelKeysLimit = 1_000;

/** Marks the characters that JSON for the web does not escape. */
const plain = Uint8Array.from({ length: 0x7f }, (_, unit) =>
  Number(unit >= 0x20 && !'"&<>\\'.includes(String.fromCharCode(unit))),
);

const quotationMark = ascii('"');
const comma = ascii(',');
const braceOpen = ascii('{');
const braceClose = ascii('}');
const nano = ascii('n');
const endOfTime = ascii('Z');
const endOfDuration = ascii('s');
const kibi = Buffer.from('Ki');
const labelsMember = Buffer.from(',"labels":');
const secondsPerDay = 86_400;

function ascii(character: string): number {
  return character.charCodeAt(0);
}
