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

  override take(): Buffer {
    this.#labels = undefined;
    return super.take();
  }

  string(text: string): void {
    this.byte(quotationMark);
    if (this.textOf(text, plain)) return this.byte(quotationMark);
    this.length -= 1;
    this.text(quoteJson(text));
  }

  /** With quotation marks; as formatTime. */
  time(ms: number): void {
    const seconds = wireSeconds(ms);
    const ofDay = seconds - this.#dayStart;
    if (!(ofDay >= 0 && ofDay < secondsPerDay)) return this.#timeOfAnotherDay(ms, seconds);
    this.bytes(this.#day);
    const minutes = (ofDay / 60) | 0;
    const hours = (minutes / 60) | 0;
    this.twoDigits(hours);
    this.byte(colon);
    this.twoDigits(minutes - hours * 60);
    this.byte(colon);
    this.twoDigits(ofDay - minutes * 60);
    this.bytes(endOfTime);
  }

  #timeOfAnotherDay(ms: number, seconds: number): void {
    const text = formatTime(ms);
    this.#dayStart = seconds - (seconds % secondsPerDay);
    this.#day = Buffer.from(`"${text.slice(0, text.indexOf('T') + 1)}`);
    this.text(`"${text}"`);
  }

  /** With quotation marks; as formatDuration. */
  duration(ms: number): void {
    if (!Number.isInteger(ms) || ms < 1000 || ms >= 60_000) return this.string(formatDuration(ms));
    this.byte(quotationMark);
    const seconds = (ms / 1000) | 0;
    this.decimal(seconds);
    const rest = ms - seconds * 1000;
    if (rest !== 0) this.#fraction(rest);
    this.bytes(endOfDuration);
  }

  /** @param thousandths not zero; written without zeros at the end. */
  #fraction(thousandths: number): void {
    this.byte(point);
    const tenths = (thousandths / 100) | 0;
    this.byte(zero + tenths);
    const rest = thousandths - tenths * 100;
    if (rest === 0) return;
    const hundredths = (rest / 10) | 0;
    this.byte(zero + hundredths);
    if (rest !== hundredths * 10) this.byte(zero + rest - hundredths * 10);
  }

  /** Without quotation marks; as formatDecimalNano. */
  decimalNano(nanocores: number): void {
    // One in a thousand is a whole number of micros.
    if (nanocores % 1000 === 0) return this.text(formatDecimalNano(nanocores));
    this.decimal(nanocores);
    this.byte(nano);
  }

  /** Without quotation marks; as formatBinary. */
  binary(bytes: number): void {
    const kibibytes = bytes / 1024;
    // Memory is counted in pages, so it is a whole number of kibibytes and seldom one of mebibytes.
    if (kibibytes % 1 !== 0 || kibibytes % 1024 === 0) return this.text(formatBinary(bytes));
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
    this.bytes(labelsMember);
    let before = braceOpen;
    for (const key of sortedKeys(labels)) {
      this.byte(before);
      this.string(key);
      this.byte(colon);
      this.string(labels.get(key) ?? '');
      before = comma;
    }
    this.byte(braceClose);
  }
}

/** kube-apiserver has sorted them already, but nobody promises that. */
function sortedKeys(labels: Labels): Iterable<string> {
  let before = '';
  for (const key of labels.keys()) {
    if (key < before) return [...labels.keys()].sort();
    before = key;
  }
  return labels.keys();
}

/** Marks the characters that JSON for the web does not escape. */
const plain = Uint8Array.from({ length: 0x7f }, (_, unit) =>
  Number(unit >= 0x20 && !'"&<>\\'.includes(String.fromCharCode(unit))),
);

const quotationMark = ascii('"');
const colon = ascii(':');
const comma = ascii(',');
const point = ascii('.');
const braceOpen = ascii('{');
const braceClose = ascii('}');
const zero = ascii('0');
const nano = ascii('n');
const kibi = Buffer.from('Ki');
const endOfTime = Buffer.from('Z"');
const endOfDuration = Buffer.from('s"');
const labelsMember = Buffer.from(',"labels":');
const secondsPerDay = 86_400;

function ascii(character: string): number {
  return character.charCodeAt(0);
}
