/** Bodies that are made while their client takes them: long lists, which nobody should have to hold as a whole. */
import { constants, type Http2ServerResponse } from 'node:http2';
import type { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import type { Pieces } from '../apimachinery/pieces.ts';

export interface MadeBody {
  /** Good until the rest is asked for more, or all is given back. */
  readonly first: Buffer;
  /** Undefined where the first piece is all there is. */
  readonly rest: Pieces | undefined;
  /** Compressed on its way. */
  readonly gzip: boolean;
  /** To be called when no piece is needed any more. */
  readonly giveBack: () => void;
}

/** So long others may have to wait for their turn, in milliseconds. */
const turnMs = 2;

/** Copying that much is less work than giving it back later. */
const copiedBytes = 4 * 1024;

/** @param giveBack when no piece is needed any more. */
export async function bodyOf(pieces: Pieces, giveBack: () => void): Promise<Buffer | MadeBody> {
  const { done, value } = await nextPiece(pieces, beginTurn());
  if (!done || value.length > copiedBytes) {
    return { first: value, rest: done ? undefined : pieces, gzip: false, giveBack };
  }
  const copy = Buffer.from(value);
  giveBack();
  return copy;
}

export function isMade(body: Buffer | string | MadeBody): body is MadeBody {
  return typeof body === 'object' && 'first' in body;
}

/**
 * Writes all of the body as fast as the client takes it. One piece is made when the one before has left; nothing more is made when the client is gone.
 * @param response whose head has been written.
 * @param deadline of each piece.
 */
export async function writeBody(
  { first, rest, gzip, giveBack }: MadeBody,
  response: Http2ServerResponse,
  deadline: Deadline,
): Promise<void> {
  const outlet = openOutlet(response, gzip, deadline);
  const turn = beginTurn();
  let step: Step = { done: rest === undefined, value: first };
  while (!step.done && outlet.isOpen()) {
    await outlet.write(step.value);
    if (rest !== undefined) step = await nextPiece(rest, turn);
  }
  // Of a client that is gone nobody knows when the last piece is let go.
  if (await outlet.end(step.value)) giveBack();
}

/** What has begun can only be broken off; visibly, so that nobody takes it for all. */
export function breakOff(response: Http2ServerResponse): void {
  const { stream } = response as Partial<Http2ServerResponse>;
  if (stream === undefined) response.destroy();
  else stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}

/** Perhaps before the first byte; then its end is not told again. HTTP/1.1 has no streams, and HTTP/2's response does not say. */
function isGone(response: Http2ServerResponse): boolean {
  const { stream } = response as Partial<Http2ServerResponse>;
  return stream === undefined ? response.destroyed : stream.destroyed || stream.closed;
}

export interface Deadline {
  /** How long the client may take, in milliseconds. */
  readonly ms: number;
  /** Is called when it has not taken it by then. */
  readonly missed: () => void;
}

interface Outlet {
  readonly isOpen: () => boolean;
  /** Resolves when the piece is not needed any more, or the client is gone. */
  readonly write: (piece: Buffer) => Promise<void>;
  /** Resolves in the same way, to whether the client was there to the end. */
  readonly end: (last: Buffer) => Promise<boolean>;
}

function openOutlet(response: Http2ServerResponse, gzip: boolean, { ms, missed }: Deadline): Outlet {
  // The fastest level: the others are 1.5 times better at most.
  const compressor = gzip ? createGzip({ level: 1 }) : undefined;
  const target: Writable = compressor ?? response;
  let open = !isGone(response);
  let wake: () => void = () => undefined;
  response.once('close', () => {
    open = false;
    compressor?.destroy();
    wake();
  });
  // That somebody has left is no error; the end of the response tells it too.
  response.on('error', () => undefined);
  compressor?.pipe(response);
  return { isOpen: () => open, write, end };

  function write(piece: Buffer): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(missed, ms);
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
      const timer = setTimeout(missed, ms);
      const settle = (wasThere: boolean) => {
        clearTimeout(timer);
        resolve(wasThere);
      };
      wake = () => settle(false);
      if (open) target.end(last, () => settle(true));
      else settle(false);
    });
  }
}

interface Step {
  /** Whether it is the last one. */
  readonly done: boolean;
  readonly value: Buffer;
}

async function nextPiece(pieces: Pieces, turn: Turn): Promise<Step> {
  for (;;) {
    const { done = false, value } = pieces.next();
    if (value !== undefined) return { done, value };
    if (turn.isOver()) await turn.begin();
  }
}

interface Turn {
  isOver(): boolean;
  /** Begins another one when everybody else has had theirs. */
  begin(): Promise<void>;
}

function beginTurn(): Turn {
  let endMs = performance.now() + turnMs;
  return {
    isOver: () => performance.now() >= endMs,
    async begin() {
      await nextTurn();
      endMs = performance.now() + turnMs;
    },
  };
}
