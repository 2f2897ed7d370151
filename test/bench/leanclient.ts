/** A client for HTTP/2 that costs as little as can be, since what it takes is part of every time that it measures: one request after the other, no header compressed. */
import { once } from 'node:events';
import type { Issued } from '../fakes/certificates.ts';
import {
  endHeaders,
  endStream,
  frameType,
  headerBlock,
  openRawHttp2,
  requestLine,
  status200,
} from '../fakes/rawhttp2.ts';

export interface LeanClient extends Disposable {
  /** Resolves at the end of the answer. Throws Error for any but 200, and where none comes. */
  get(request: Buffer): Promise<void>;
}

const windowUpdate = 8;
const answerTimeoutMs = 10_000;
/** The answers of a whole measurement fit in it, so that none has to wait for leave. */
const largestWindow = 2 ** 31 - 1 - 65_535;

export async function openLeanClient(port: number, certificate: Issued): Promise<LeanClient> {
  const raw = await openRawHttp2(port, certificate);
  const increment = Buffer.alloc(4);
  increment.writeUInt32BE(largestWindow);
  raw.send(windowUpdate, 0, 0, increment);
  let stream = -1;
  return { get, [Symbol.dispose]: () => raw[Symbol.dispose]() };

  async function get(request: Buffer): Promise<void> {
    stream += 2;
    const before = raw.received.length;
    raw.send(frameType.headers, endStream | endHeaders, stream, request);
    const signal = AbortSignal.timeout(answerTimeoutMs);
    while (!hasEnded(before)) {
      if (raw.received.some(({ type }) => type === frameType.goaway)) throw new Error('the server ends the connection');
      await once(raw.socket, 'data', { signal });
    }
    const headers = raw.received
      .slice(before)
      .find((frame) => frame.stream === stream && frame.type === frameType.headers);
    if (headers?.payload[0] !== status200) throw new Error(`an answer of the benchmark is not 200`);
  }

  /** The end of an answer may be followed by frames that are about the connection. */
  function hasEnded(before: number): boolean {
    for (let at = raw.received.length - 1; at >= before; at -= 1) {
      const frame = raw.received[at];
      if (frame?.stream === stream && (frame.flags & endStream) !== 0) return true;
    }
    return false;
  }
}

/** To be made once and sent often. */
export function requestOf(path: string, headers: Readonly<Record<string, string | readonly string[]>>): Buffer {
  const lines = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value) => [name, value] as const),
  );
  return headerBlock([...requestLine(path), ...lines]);
}
