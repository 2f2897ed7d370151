/** A client for HTTP/2 with many requests in flight on one connection, as kube-apiserver has them, that costs as little as can be and keeps nothing of an answer. */
import type { Issued } from '../fakes/certificates.ts';
import {
  acknowledged,
  connectForHttp2,
  endHeaders,
  endStream,
  frame,
  frameType,
  preface,
  status200,
} from '../fakes/rawhttp2.ts';

export interface ParallelClient extends Disposable {
  /** Resolves at the end of the answer. Rejects for any but 200, and when the connection ends. */
  get(request: Buffer): Promise<void>;
}

const windowUpdate = 8;
const headBytes = 9;
const textLimit = 1_000;
/** The answers of a whole measurement fit in it, so that none has to wait for leave. */
const largestWindow = 2 ** 31 - 1 - 65_535;

interface Waiting {
  readonly answer: PromiseWithResolvers<void>;
  isGood: boolean;
  /** The beginning of an answer's body, for the error. */
  text: string;
}

/** @param certificate the front proxy's. */
export async function openParallelClient(port: number, certificate: Issued): Promise<ParallelClient> {
  const socket = await connectForHttp2(port, certificate);
  const waiting = new Map<number, Waiting>();
  let rest: Buffer = Buffer.alloc(0);
  let stream = -1;
  let hasEnded = false;
  const increment = Buffer.alloc(4);
  increment.writeUInt32BE(largestWindow);
  socket.write(preface);
  send(frameType.settings, 0, 0);
  send(frameType.settings, acknowledged, 0);
  send(windowUpdate, 0, 0, increment);
  socket.on('error', () => undefined);
  socket.on('close', () => fail('the server ended the connection'));
  socket.on('data', read);
  return { get, [Symbol.dispose]: () => void socket.destroy() };

  function get(request: Buffer): Promise<void> {
    if (hasEnded) return Promise.reject(new Error('the connection has ended'));
    stream += 2;
    const answer = Promise.withResolvers<void>();
    waiting.set(stream, { answer, isGood: false, text: '' });
    send(frameType.headers, endStream | endHeaders, stream, request);
    return answer.promise;
  }

  function read(chunk: Buffer): void {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= headBytes && rest.length - at >= headBytes + rest.readUIntBE(at, 3)) {
      const length = rest.readUIntBE(at, 3);
      const payload = rest.subarray(at + headBytes, at + headBytes + length);
      handle(rest.readUInt8(at + 3), rest.readUInt8(at + 4), rest.readUInt32BE(at + 5), payload);
      at += headBytes + length;
    }
    rest = rest.subarray(at);
  }

  function handle(type: number, flags: number, of: number, payload: Buffer): void {
    if (type === frameType.ping && (flags & acknowledged) === 0) send(frameType.ping, acknowledged, 0, payload);
    if (type === frameType.goaway) fail('the server ends the connection');
    const request = waiting.get(of);
    if (request === undefined) return;
    // Trailers have no status.
    if (type === frameType.headers && payload[0] === status200) request.isGood = true;
    if (type === frameType.data && !request.isGood) request.text ||= payload.toString('latin1', 0, textLimit);
    if (type !== frameType.reset && (flags & endStream) === 0) return;
    waiting.delete(of);
    if (request.isGood && type !== frameType.reset) request.answer.resolve();
    else request.answer.reject(new Error(`an answer of the benchmark is not 200: ${request.text}`));
  }

  function fail(reason: string): void {
    hasEnded = true;
    for (const { answer } of waiting.values()) answer.reject(new Error(reason));
    waiting.clear();
  }

  function send(type: number, flags: number, of: number, payload: Buffer = Buffer.alloc(0)): void {
    if (!socket.destroyed) socket.write(frame(type, flags, of, payload));
  }
}
