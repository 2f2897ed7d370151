/** Reads one HTTP/1.1 response to a GET out of what a connection brings, strictly: whatever a kubelet has no reason to send is an error. */
import { headLimitBytes } from './responselimits.ts';

/** Who is told of a response while it comes. */
export interface ResponseSink<Answer = unknown> {
  onHead(head: ResponseHead): void;
  /** The bytes are valid until the call returns. Returns false when nothing more may come until `resume` has returned true. */
  onBody(chunk: Buffer): boolean;
  resume(): boolean;
  /** The response is whole; returns what came of it. */
  onEnd(): Answer;
}

/** The same object where the same bytes have come again. */
export interface ResponseHead {
  readonly status: number;
  /** The headers that matter to anybody here, by their names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

/** What came is not, or not only, a response to our question by HTTP/1.1. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
}

/** Answers before the answer, such as 103 Early Hints; kubelets send none. */
const interimLimit = 8;

/** Hexadecimal digits of a chunk's size: 4 GiB, so that the limit of the body is what ends larger ones. */
const chunkSizeDigits = 8;

/** Digits of a body's length, that is less than 2 ** 53. */
const lengthDigits = 15;

/** What is being read. An enumeration by hand: Node runs no TypeScript that has to be compiled. */
const state = { head: 0, sized: 1, untilEnd: 2, chunkSize: 3, chunk: 4, chunkEnd: 5, trailers: 6, whole: 7 } as const;

type State = (typeof state)[keyof typeof state];

/** What follows from a head. */
interface Begun {
  readonly head: ResponseHead;
  readonly bodyState: State;
  readonly remainingBytes: number;
  readonly reusable: boolean;
}

/** The head that was read last, by whichever reader: in a wave all kubelets send the same one, to the second of its date. */
let lastHead: (Begun & { readonly bytes: Buffer }) | undefined;

/** Of a reader that has read no head. */
const none = new Map<string, string>();

export class ResponseReader {
  /** Whether another question may be asked over the connection once the response is whole. */
  reusable = true;
  readonly #sink: ResponseSink;
  #state: State = state.head;
  /** The part of a line that has come. */
  #line = '';
  #headBytes = 0;
  #interims = 0;
  #status = 0;
  #headers: Map<string, string> = none;
  /** What its head has said, once that is whole. */
  #begun: Begun | undefined;
  /** Of the body or of the chunk. */
  #remainingBytes = 0;
  #sizeDigits = 0;
  #sawCarriageReturn = false;
  #isWaiting = false;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  get whole(): boolean {
    return this.#state === state.whole;
  }

  /** Reports whether the sink has no time for more, so that the response is not over even if it is whole. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Lets the sink read what it had no time for. Returns whether more may come. */
  resume(): boolean {
    this.#isWaiting = !this.#sink.resume();
    return !this.#isWaiting;
  }

  /**
   * Takes what came, from the buffer's start to the end given, and returns where it has stopped: before the end when the sink has no time.
   * @throws HttpError, and what the sink throws.
   */
  read(buffer: Buffer, end: number): number {
    let at = 0;
    while (at < end && !this.#isWaiting) {
      switch (this.#state) {
        case state.head:
          at = this.#readHead(buffer, at, end);
          break;
        case state.trailers:
          at = this.#readLine(buffer, at, end);
          break;
        case state.sized:
        case state.chunk:
          at = this.#readSized(buffer, at, end);
          break;
        case state.untilEnd:
          this.#isWaiting = !this.#sink.onBody(buffer.subarray(at, end));
          return end;
        case state.chunkSize:
          at = this.#readChunkSize(buffer, at, end);
          break;
        case state.chunkEnd:
          at = this.#readChunkEnd(buffer, at);
          break;
        case state.whole:
          // Nobody asked for more; who sends it may send it instead of the next answer.
          this.reusable = false;
          return end;
      }
    }
    return at;
  }

  /** The other side sends no more. Returns whether the response is whole. */
  end(): boolean {
    this.reusable = false;
    if (this.#state === state.untilEnd) this.#state = state.whole;
    return this.whole;
  }

  #readSized(buffer: Buffer, at: number, end: number): number {
    const until = Math.min(end, at + this.#remainingBytes);
    this.#isWaiting = !this.#sink.onBody(buffer.subarray(at, until));
    this.#remainingBytes -= until - at;
    if (this.#remainingBytes === 0) this.#state = this.#state === state.chunk ? state.chunkEnd : state.whole;
    return until;
  }

  #readHead(buffer: Buffer, start: number, end: number): number {
    const isFirst = this.#headBytes === 0;
    if (isFirst && lastHead !== undefined && isAt(lastHead.bytes, buffer, start, end)) {
      const { length } = lastHead.bytes;
      this.#headBytes = length;
      this.#begin(lastHead);
      return start + length;
    }
    let at = start;
    while (at < end && this.#state === state.head) at = this.#readLine(buffer, at, end);
    if (isFirst && this.#begun !== undefined && this.#interims === 0) {
      lastHead = { ...this.#begun, bytes: Buffer.from(buffer.subarray(start, at)) };
    }
    return at;
  }

  #readLine(buffer: Buffer, at: number, end: number): number {
    // Behind the end may be what came earlier.
    const newline = buffer.indexOf(lineFeed, at);
    const whole = newline !== -1 && newline < end;
    const until = whole ? newline + 1 : end;
    this.#headBytes += until - at;
    if (this.#headBytes > headLimitBytes) throw new HttpError(`a head of more than ${headLimitBytes} bytes`);
    const known = this.#line.length;
    this.#line += buffer.toString('latin1', at, until);
    // A server of another protocol may wait for us before it ends its first line. Compared once: V8 joins the pieces of a line for it.
    const isUnproven = this.#status === 0 && known < version.length;
    if (isUnproven && !this.#line.startsWith(version.slice(0, this.#line.length))) throw notHttp();
    if (!whole) return until;
    if (!this.#line.endsWith('\r\n')) throw new HttpError('a line that ends without a carriage return');
    const line = this.#line.slice(0, -2);
    this.#line = '';
    if (this.#status === 0) {
      this.#status = statusOf(line);
      this.#headers = new Map();
    } else if (line !== '') this.#addHeader(line);
    else if (this.#state === state.trailers) this.#state = state.whole;
    else this.#endHead();
    return until;
  }

  #addHeader(line: string): void {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1);
    if (colon === -1 || !token.test(name) || !fieldValue.test(value)) throw new HttpError('a header that is none');
    if (this.#state === state.trailers) {
      if (framing.has(name)) throw new HttpError(`${name} behind the body`);
      return;
    }
    if (!known.has(name)) return;
    if (this.#headers.has(name)) throw new HttpError(`${name} twice`);
    this.#headers.set(name, withoutBlanks(value));
  }

  #endHead(): void {
    const status = this.#status;
    const headers = this.#headers;
    if (status < 200) {
      this.#interims += 1;
      // Nothing was asked that one continues with (100), nor to speak something else (101).
      if (status <= 101 || this.#interims > interimLimit) throw new HttpError(`an answer ${status} before the answer`);
      this.#status = 0;
      return;
    }
    const bodyState = this.#bodyState(status, headers.get('content-length'), headers.get('transfer-encoding'));
    const reusable = bodyState !== state.untilEnd && !closing.test(headers.get('connection') ?? '');
    this.#begin({ head: { status, headers }, bodyState, remainingBytes: this.#remainingBytes, reusable });
  }

  #begin(begun: Begun): void {
    this.#begun = begun;
    this.#status = begun.head.status;
    this.#state = begun.bodyState;
    this.#remainingBytes = begun.remainingBytes;
    this.reusable = begun.reusable;
    this.#sink.onHead(begun.head);
  }

  #bodyState(status: number, length: string | undefined, encoding: string | undefined): State {
    if (encoding !== undefined) {
      // Two opinions of where an answer ends are how one answer is made two.
      if (length !== undefined) throw new HttpError('content-length together with transfer-encoding');
      if (encoding.toLowerCase() !== 'chunked') throw new HttpError('a transfer-encoding other than chunked');
      if (bodiless.has(status)) throw new HttpError(`a body with status ${status}`);
      return state.chunkSize;
    }
    if (length === undefined) return bodiless.has(status) ? state.whole : state.untilEnd;
    if (!/^\d+$/.test(length) || length.length > lengthDigits) throw new HttpError('a content-length that is none');
    this.#remainingBytes = Number(length);
    if (this.#remainingBytes === 0) return state.whole;
    if (bodiless.has(status)) throw new HttpError(`a body with status ${status}`);
    return state.sized;
  }

  #readChunkSize(buffer: Buffer, start: number, end: number): number {
    for (let at = start; at < end; at += 1) {
      const byte = buffer[at] ?? 0;
      if (this.#sawCarriageReturn) {
        if (byte !== lineFeed || this.#sizeDigits === 0) throw brokenChunk();
        this.#sawCarriageReturn = false;
        this.#sizeDigits = 0;
        this.#state = this.#remainingBytes === 0 ? state.trailers : state.chunk;
        return at + 1;
      }
      if (byte === carriageReturn) {
        this.#sawCarriageReturn = true;
        continue;
      }
      const digit = hexDigit(byte);
      this.#sizeDigits += 1;
      if (digit === -1 || this.#sizeDigits > chunkSizeDigits) throw brokenChunk();
      this.#remainingBytes = this.#remainingBytes * 16 + digit;
    }
    return end;
  }

  #readChunkEnd(buffer: Buffer, at: number): number {
    if (buffer[at] !== (this.#sawCarriageReturn ? lineFeed : carriageReturn)) throw brokenChunk();
    if (this.#sawCarriageReturn) this.#state = state.chunkSize;
    this.#sawCarriageReturn = !this.#sawCarriageReturn;
    return at + 1;
  }
}

const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const version = 'HTTP/1.1 ';

function isAt(bytes: Buffer, buffer: Buffer, start: number, end: number): boolean {
  const until = start + bytes.length;
  return until <= end && bytes.compare(buffer, start, until) === 0;
}

function statusOf(line: string): number {
  const status = /^HTTP\/1\.1 ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/.exec(line)?.[1];
  if (status === undefined) throw notHttp();
  return Number(status);
}

/** Accepts a field name (RFC 9110, 5.6.2). Patterns over foreign bytes are one repetition each, so that they cannot backtrack. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Accepts a field value without control characters; a folded line has a name that is no token. */
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Returns the value without the spaces and tabs around it. String.trim would also take a no-break space, which is part of a value. */
function withoutBlanks(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value.charCodeAt(start))) start += 1;
  while (end > start && isBlank(value.charCodeAt(end - 1))) end -= 1;
  return value.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

const framing: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);

/** What is read of a head. Each of these would be ambiguous if it came twice. */
const known: ReadonlySet<string> = new Set([...framing, 'connection', 'content-encoding', 'content-type', 'date']);

const closing = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i;

/** No content, and not modified: without a body whatever the headers say. */
const bodiless: ReadonlySet<number> = new Set([204, 304]);

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function notHttp(): HttpError {
  return new HttpError('no HTTP/1.1');
}

function brokenChunk(): HttpError {
  return new HttpError('a broken chunk');
}
