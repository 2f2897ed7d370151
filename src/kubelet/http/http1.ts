/** Reads one HTTP/1.1 response to a GET. */
import type { Borrowed } from '../../sample/borrowed.ts';
import {
  addHeader,
  checkTrailer,
  closesConnection,
  type Framing,
  framingOf,
  HttpError,
  httpVersion,
  notHttp,
  type ResponseHead,
  responseHead,
  statusOf,
} from './responsehead.ts';
import { headLimitBytes } from './responselimits.ts';

export interface ResponseSink<Response = unknown> {
  onHead(head: ResponseHead): void;
  /** Returns false to pause until `resume` returns true. */
  onBody(chunk: Borrowed<Buffer>): boolean;
  resume(): boolean;
  onEnd(): Response;
}

/** Kubelets send none. */
const interimLimit = 8;

/** Up to 4 GiB, which fails by the body's limit. */
const chunkSizeDigits = 8;

/** No enum: Node only strips types. */
const state = {
  head: 0,
  sized: 1,
  untilClose: 2,
  chunkSize: 3,
  chunk: 4,
  chunkEnd: 5,
  trailers: 6,
  complete: 7,
} as const;

type State = (typeof state)[keyof typeof state];

const stateOf: Readonly<Record<Framing['kind'], State>> = {
  none: state.complete,
  sized: state.sized,
  chunked: state.chunkSize,
  'until-close': state.untilClose,
};

interface ParsedHead {
  readonly head: ResponseHead;
  readonly framing: Framing;
  readonly reusable: boolean;
}

/** Kubelets scraped together send the same head, down to the Date's second. */
export class HeadCache {
  latest: (ParsedHead & { readonly bytes: Buffer }) | undefined;
}

const noHeaders = new Map<string, string>();

export class ResponseReader {
  /** Whether the connection can carry another request. */
  reusable = true;
  readonly #sink: ResponseSink;
  readonly #heads: HeadCache;
  #state: State = state.head;
  #line = '';
  #headBytes = 0;
  #interims = 0;
  #status = 0;
  #headers: Map<string, string> = noHeaders;
  #parsed: ParsedHead | undefined;
  #remainingBytes = 0;
  #sizeDigits = 0;
  #sawCarriageReturn = false;
  #isPaused = false;

  constructor(sink: ResponseSink, heads = new HeadCache()) {
    this.#sink = sink;
    this.#heads = heads;
  }

  get isComplete(): boolean {
    return this.#state === state.complete;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  resume(): boolean {
    this.#isPaused = !this.#sink.resume();
    return !this.#isPaused;
  }

  /** Returns where reading stopped: before `end` if the sink has paused. @throws HttpError, and the sink's errors. */
  read(buffer: Borrowed<Buffer>, end: number): number {
    let at = 0;
    while (at < end && !this.#isPaused) {
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
        case state.untilClose:
          this.#isPaused = !this.#sink.onBody(buffer.subarray(at, end));
          return end;
        case state.chunkSize:
          at = this.#readChunkSize(buffer, at, end);
          break;
        case state.chunkEnd:
          at = this.#readChunkEnd(buffer, at);
          break;
        case state.complete:
          // Surplus bytes could pass for the next response.
          this.reusable = false;
          return end;
      }
    }
    return at;
  }

  end(): boolean {
    this.reusable = false;
    if (this.#state === state.untilClose) this.#state = state.complete;
    return this.isComplete;
  }

  #readSized(buffer: Buffer, at: number, end: number): number {
    const until = Math.min(end, at + this.#remainingBytes);
    this.#isPaused = !this.#sink.onBody(buffer.subarray(at, until));
    this.#remainingBytes -= until - at;
    if (this.#remainingBytes === 0) this.#state = this.#state === state.chunk ? state.chunkEnd : state.complete;
    return until;
  }

  #readHead(buffer: Buffer, start: number, end: number): number {
    const isFirst = this.#headBytes === 0;
    const { latest } = this.#heads;
    // Fast path: reuses the latest head for equal bytes. `http1.test.ts` reads all responses both ways.
    if (isFirst && latest !== undefined && isAt(latest.bytes, buffer, start, end)) {
      this.#headBytes = latest.bytes.length;
      this.#begin(latest);
      return start + latest.bytes.length;
    }
    // Slow path: line by line.
    let at = start;
    while (at < end && this.#state === state.head) at = this.#readLine(buffer, at, end);
    if (isFirst && this.#parsed !== undefined && this.#interims === 0) {
      this.#heads.latest = { ...this.#parsed, bytes: Buffer.from(buffer.subarray(start, at)) };
    }
    return at;
  }

  #readLine(buffer: Buffer, at: number, end: number): number {
    // Earlier bytes may follow `end`.
    const newline = buffer.indexOf(lineFeed, at);
    const isWhole = newline !== -1 && newline < end;
    const until = isWhole ? newline + 1 : end;
    this.#headBytes += until - at;
    if (this.#headBytes > headLimitBytes) throw new HttpError(`a head of more than ${headLimitBytes} bytes`);
    const before = this.#line.length;
    this.#line += buffer.toString('latin1', at, until);
    // Another protocol may never end its first line. Checked once: V8 joins the line's parts for it.
    const isUnproven = this.#status === 0 && before < httpVersion.length;
    if (isUnproven && !this.#line.startsWith(httpVersion.slice(0, this.#line.length))) throw notHttp();
    if (!isWhole) return until;
    if (!this.#line.endsWith('\r\n')) throw new HttpError('a line that ends without a carriage return');
    const line = this.#line.slice(0, -2);
    this.#line = '';
    this.#addLine(line);
    return until;
  }

  #addLine(line: string): void {
    if (this.#status === 0) {
      this.#status = statusOf(line);
      this.#headers = new Map();
    } else if (this.#state === state.trailers) {
      if (line === '') this.#state = state.complete;
      else checkTrailer(line);
    } else if (line === '') this.#endHead();
    else addHeader(this.#headers, line);
  }

  #endHead(): void {
    const status = this.#status;
    if (status < 200) {
      this.#interims += 1;
      // We sent nothing to continue (100), and no Upgrade (101).
      if (status <= 101 || this.#interims > interimLimit) throw new HttpError(`an interim response ${status}`);
      this.#status = 0;
      return;
    }
    const head = responseHead(status, this.#headers);
    const framing = framingOf(head);
    this.#begin({ head, framing, reusable: framing.kind !== 'until-close' && !closesConnection(head) });
  }

  #begin(parsed: ParsedHead): void {
    const { head, framing, reusable } = parsed;
    this.#parsed = parsed;
    this.#status = head.info.status;
    this.#state = stateOf[framing.kind];
    if (framing.kind === 'sized') this.#remainingBytes = framing.bytes;
    this.reusable = reusable;
    this.#sink.onHead(head);
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

function isAt(bytes: Buffer, buffer: Buffer, start: number, end: number): boolean {
  const until = start + bytes.length;
  return until <= end && bytes.compare(buffer, start, until) === 0;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function brokenChunk(): HttpError {
  return new HttpError('a broken chunk');
}
