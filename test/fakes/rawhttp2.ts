/** HTTP/2 frame by frame, for what no well-behaved client library sends. */
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import type { Issued } from './certificates.ts';

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export interface RawHttp2 extends Disposable {
  /** All that came so far. */
  readonly received: readonly Frame[];
  readonly socket: TLSSocket;
  /** Streams of clients have odd numbers, in ascending order. */
  send(type: number, flags: number, stream: number, payload?: Buffer): void;
}

export const frameType = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, continuation: 9 } as const;
export const endStream = 0x1;
export const endHeaders = 0x4;
export const acknowledged = 0x1;

/** Preface of a connection. */
export const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const headBytes = 9;

/** Connects by TLS, for frames of HTTP/2. Resolves after the handshake. */
export async function connectForHttp2(port: number, certificate?: Issued): Promise<TLSSocket> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
    ...certificate,
  });
  await once(socket, 'secureConnect');
  return socket;
}

/** Connects, exchanges settings, and answers no frame by itself. */
export async function openRawHttp2(port: number, certificate?: Issued): Promise<RawHttp2> {
  const socket = await connectForHttp2(port, certificate);
  const received: Frame[] = [];
  let rest = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= headBytes && rest.length >= headBytes + rest.readUIntBE(0, 3)) {
      const end = headBytes + rest.readUIntBE(0, 3);
      received.push({
        type: rest.readUInt8(3),
        flags: rest.readUInt8(4),
        stream: rest.readUInt32BE(5),
        payload: rest.subarray(headBytes, end),
      });
      rest = rest.subarray(end);
    }
  });
  socket.write(preface);
  send(frameType.settings, 0, 0);
  send(frameType.settings, acknowledged, 0);
  return { received, socket, send, [Symbol.dispose]: () => void socket.destroy() };

  function send(type: number, flags: number, stream: number, payload = Buffer.alloc(0)): void {
    if (!socket.destroyed) socket.write(frame(type, flags, stream, payload));
  }
}

export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** The first byte of a header block that begins with `:status: 200`, by HPACK's static table. */
export const status200 = 0x88;

/** HPACK at its simplest: every header written out, each byte a character of Latin-1. */
export function headerBlock(headers: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.from([0]), hpackText(name), hpackText(value)]));
}

/** Returns the pseudo-headers that every request must have. */
export function requestLine(path: string): readonly (readonly [string, string])[] {
  return [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':authority', 'x'],
    [':path', path],
  ];
}

function hpackText(text: string): Buffer {
  const bytes: number[] = [];
  let length = text.length;
  if (length < 127) bytes.push(length);
  else {
    bytes.push(127);
    for (length -= 127; length >= 128; length = Math.trunc(length / 128)) bytes.push((length % 128) + 128);
    bytes.push(length);
  }
  return Buffer.concat([Buffer.from(bytes), Buffer.from(text, 'latin1')]);
}
