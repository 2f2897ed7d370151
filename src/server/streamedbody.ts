/** Bodies that are encoded while their client reads them: a long list is never in memory as a whole. */
import { constants, type Http2ServerResponse } from 'node:http2';
import type { Writable } from 'node:stream';
import { setImmediate as nextIteration } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import type { Pieces } from '../apimachinery/pieces.ts';
import type { QueueShare } from './eventloopqueue.ts';

export interface StreamedBody {
  /** Valid until the next piece is requested from `rest`, or `release` is called. */
  readonly first: Buffer;
  /** Undefined if the first piece is the whole body. */
  readonly rest: Pieces | undefined;
  /** Whether it is compressed while it is sent. */
  readonly gzip: boolean;
  /** To be called when no piece is needed any more. */
  readonly release: () => void;
}

/** Milliseconds of encoding without a pause for other callers. */
const sliceMs = 2;

/** Bytes up to which a copy is cheaper than keeping the encoder's buffer. */
const copiedBytes = 4 * 1024;

/** Encodes the first piece. Returns the whole body if it is short. */
export async function bodyFromPieces(
  pieces: Pieces,
  release: () => void,
  share?: QueueShare,
): Promise<Buffer | StreamedBody> {
  const { done, value } = await nextPiece(pieces, new Pacer(share));
  if (!done || value.length > copiedBytes) {
    return { first: value, rest: done ? undefined : pieces, gzip: false, release };
  }
  const copy = Buffer.from(value);
  release();
  return copy;
}

export function isStreamed(body: Buffer | string | StreamedBody): body is StreamedBody {
  return typeof body === 'object' && 'first' in body;
}

/**
 * Writes the body as fast as the client reads it: a piece is encoded after the previous one was sent.
 * @param response whose head has been written.
 * @param deadline of each piece.
 */
export async function writeBody(
  { first, rest, gzip, release }: StreamedBody,
  response: Http2ServerResponse,
  deadline: WriteDeadline,
  share?: QueueShare,
): Promise<void> {
  const writer = createBodyWriter(response, gzip, deadline);
  const pacer = new Pacer(share);
  let piece: EncodedPiece = { done: rest === undefined, value: first };
  while (!piece.done && writer.isOpen()) {
    await writer.write(piece.value);
    if (rest === undefined) break;
    await pacer.nextPiece();
    if (writer.isOpen()) piece = await nextPiece(rest, pacer);
  }
  // After a disconnect Node may still use the last piece.
  if (await writer.end(piece.value)) release();
}

/** Aborts a response, visibly, so that no client takes the part for the whole. */
export function resetResponse(response: Http2ServerResponse): void {
  const { stream } = response as Partial<Http2ServerResponse>;
  if (stream === undefined) response.destroy();
  else stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}

/** Reports whether the client has disconnected before the first byte; then no event follows. HTTP/2's response does not say. */
function isGone(response: Http2ServerResponse): boolean {
  const { stream } = response as Partial<Http2ServerResponse>;
  return stream === undefined ? response.destroyed : stream.destroyed || stream.closed;
}

export interface WriteDeadline {
  readonly ms: number;
  readonly onMissed: () => void;
}

interface BodyWriter {
  isOpen(): boolean;
  /** Resolves when the piece is not needed any more, or the client has disconnected. */
  write(piece: Buffer): Promise<void>;
  /** As `write`; resolves to whether the client was connected to the end. */
  end(last: Buffer): Promise<boolean>;
}

function createBodyWriter(response: Http2ServerResponse, gzip: boolean, { ms, onMissed }: WriteDeadline): BodyWriter {
  // The fastest level: the others compress 1.5 times better at most.
  const compressor = gzip ? createGzip({ level: 1 }) : undefined;
  const target: Writable = compressor ?? response;
  let open = !isGone(response);
  let wake: () => void = () => undefined;
  response.once('close', () => {
    open = false;
    compressor?.destroy();
    wake();
  });
  // A disconnect is not an error; 'close' reports it.
  response.on('error', () => undefined);
  compressor?.pipe(response);
  return { isOpen: () => open, write, end };

  function write(piece: Buffer): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(onMissed, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (open) target.write(piece, wake);
      else wake();
    });
  }

  function end(last: Buffer): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(onMissed, ms);
      const settle = (isComplete: boolean) => {
        clearTimeout(timer);
        resolve(isComplete);
      };
      wake = () => settle(false);
      if (open) target.end(last, () => settle(true));
      else settle(false);
    });
  }
}

interface EncodedPiece {
  /** Whether it is the last one. */
  readonly done: boolean;
  readonly value: Buffer;
}

async function nextPiece(pieces: Pieces, pacer: Pacer): Promise<EncodedPiece> {
  for (;;) {
    const { done = false, value } = pieces.next();
    if (value !== undefined) return { done, value };
    if (pacer.isSliceOver()) await pacer.nextSlice();
  }
}

/** Cuts encoding into slices of `sliceMs`, each in the user's share of the event loop. */
class Pacer {
  readonly #share: QueueShare | undefined;
  #endMs = performance.now() + sliceMs;

  /** @param share without it, a slice waits for the next iteration. */
  constructor(share: QueueShare | undefined) {
    this.#share = share;
  }

  isSliceOver(): boolean {
    return performance.now() >= this.#endMs;
  }

  async nextSlice(): Promise<void> {
    const share = this.#share;
    await (share === undefined ? nextIteration() : new Promise<void>((resolve) => share.enqueue(resolve)));
    this.#endMs = performance.now() + sliceMs;
  }

  /** Waits only while other callers have work. */
  async nextPiece(): Promise<void> {
    const turn = this.#share?.turn();
    if (turn !== undefined) await turn;
    this.#endMs = performance.now() + sliceMs;
  }
}
