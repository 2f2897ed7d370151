/** Encodes while the client reads: a long list is never in memory as a whole. */
import { constants, type Http2ServerResponse } from 'node:http2';
import type { Writable } from 'node:stream';
import { setImmediate as nextIteration } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import type { Pieces } from '../apimachinery/pieces.ts';
import type { QueueShare } from '../eventloopqueue.ts';

export interface StreamedBody {
  /** Valid until the next piece of `rest`, or `release`. */
  readonly first: Buffer;
  /** Undefined for a whole body. */
  readonly rest: Pieces | undefined;
  readonly gzip: boolean;
  readonly release: () => void;
}

/** Milliseconds of encoding without a pause. */
const sliceMs = 2;

/** Below, a copy is cheaper than keeping the encoder's buffer. */
const copiedBytes = 4 * 1024;

/** Encodes the first piece, which may be all. */
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

/** Encodes each piece after the previous one was sent. */
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

/** Aborts visibly, so that no client takes the part for the whole. */
export function resetResponse(response: Http2ServerResponse): void {
  const { stream } = response as Partial<Http2ServerResponse>;
  if (stream === undefined) response.destroy();
  else stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}

/** Reports a disconnect. No event follows one before the first byte. HTTP/2's response does not say. */
export function isGone(response: Http2ServerResponse): boolean {
  const { stream } = response as Partial<Http2ServerResponse>;
  return stream === undefined ? response.destroyed : stream.destroyed || stream.closed;
}

export interface WriteDeadline {
  readonly ms: number;
  readonly onMissed: () => void;
}

interface BodyWriter {
  isOpen(): boolean;
  /** Resolves when the piece is free, or after a disconnect. */
  write(piece: Buffer): Promise<void>;
  /** Resolves to whether the client was still connected. */
  end(last: Buffer): Promise<boolean>;
}

function createBodyWriter(response: Http2ServerResponse, gzip: boolean, { ms, onMissed }: WriteDeadline): BodyWriter {
  // As in compress.ts.
  const compressor = gzip ? createGzip({ level: 1 }) : undefined;
  const target: Writable = compressor ?? response;
  let open = !isGone(response);
  let wake: () => void = () => undefined;
  response.once('close', () => {
    open = false;
    compressor?.destroy();
    wake();
  });
  // 'close' reports a disconnect.
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

/** Encodes in slices of `sliceMs`, in the user's share. */
class Pacer {
  readonly #share: QueueShare | undefined;
  #endMs = performance.now() + sliceMs;

  /** @param share without it, a slice waits for an iteration. */
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

  async nextPiece(): Promise<void> {
    const turn = this.#share?.turn();
    if (turn !== undefined) await turn;
    this.#endMs = performance.now() + sliceMs;
  }
}
