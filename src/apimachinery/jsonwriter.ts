/**
 * Writes the values of lists as JSON, up to 300,000 times a list (`npm run bench -- lists`). Fast paths write usual
 * values; others fall back to the formatting function. jsonwriter.test.ts feeds both.
 */
import { formatDuration } from './duration.ts';
import type { Labels } from './labels.ts';
import { formatTime, quoteJson, wireSeconds } from './meta.ts';
import { PieceWriter } from './pieces.ts';
import { formatBinary, formatDecimalNano } from './quantity.ts';

export class JsonWriter extends PieceWriter {
  /** The previous time's day, in seconds since the epoch, and its text. */
  #dayStart = Number.NaN;
  #day = Buffer.alloc(0);
  /** The previous labels' position in the piece: neighbours of one template share a Map. */
  #labels: Labels | undefined;
  #labelsStart = 0;
  #labelsLength = 0;
  readonly #labelKeys = new Map<string, Buffer>();

  override take(): Buffer {
    this.#labels = undefined;
    return super.take();
  }

  // Only labels are written with quotation marks.

  content(text: string): void {
    // Fast path: characters that quoteJson leaves as they are. Slow path: quoteJson.
    if (!this.textOf(text, plain)) this.text(quoteJson(text).slice(1, -1));
  }

  /** Writes formatTime's text. */
  time(ms: number): void {
    const seconds = wireSeconds(ms);
    const ofDay = seconds - this.#dayStart;
    // Slow path
    if (!(ofDay >= 0 && ofDay < secondsPerDay)) return this.#timeOfAnotherDay(ms, seconds);
    // Fast path: the day is that of formatTime's previous text.
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

  /** Writes formatDuration's text. */
  duration(ms: number): void {
    // Slow path
    if (!Number.isInteger(ms) || ms < 1000 || ms >= 60_000) return this.content(formatDuration(ms));
    // Fast path: formatDuration writes whole milliseconds below a minute as seconds with up to three decimals.
    this.thousandths(ms);
    this.byte(endOfDuration);
  }

  /** Writes formatDecimalNano's text. */
  decimalNano(nanocores: number): void {
    // Slow path: one usage in a thousand is whole micros. The operator % is slow for large numbers.
    if (Math.floor(nanocores / 1000) * 1000 === nanocores) return this.text(formatDecimalNano(nanocores));
    // Fast path: formatDecimalNano writes all others in nanos.
    this.decimal(nanocores);
    this.byte(nano);
  }

  /** Writes formatBinary's text. */
  binary(bytes: number): void {
    const kibibytes = bytes / 1024;
    // Slow path
    if (kibibytes !== Math.floor(kibibytes)) return this.text(formatBinary(bytes));
    if (kibibytes / 1024 === Math.floor(kibibytes / 1024)) return this.text(formatBinary(bytes));
    // Fast path: memory is counted in pages, so it is whole kibibytes and rarely mebibytes.
    this.decimal(kibibytes);
    this.bytes(kibi);
  }

  /** Writes the member with a comma before it; nothing for no labels. */
  labels(labels: Labels): void {
    if (labels === this.#labels) return this.again(this.#labelsStart, this.#labelsLength);
    const start = this.length;
    if (labels.size > 0) this.#writeMap(labelsMember, labels);
    this.#labels = labels;
    this.#labelsStart = start;
    this.#labelsLength = this.length - start;
  }

  /** As labels, but without the fast path for neighbours. */
  annotations(annotations: Labels): void {
    this.#writeMap(annotationsMember, annotations);
  }

  #writeMap(member: Buffer, labels: Labels): void {
    const start = this.length;
    this.bytes(member);
    let open = braceOpen;
    let keyBefore = '';
    for (const [key, value] of labels) {
      if (key < keyBefore) {
        // Slow path: kube-apiserver sorts labels, but does not promise it.
        this.length = start;
        return this.#writeMap(member, new Map([...labels].sort(([one], [other]) => (one < other ? -1 : 1))));
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

/** Large clusters use some dozens. */
const labelKeysLimit = 1_000;

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
const annotationsMember = Buffer.from(',"annotations":');
const secondsPerDay = 86_400;

function ascii(character: string): number {
  return character.charCodeAt(0);
}
