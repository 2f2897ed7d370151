/** HTTP/1.1 responses of kubelets, with what is in their bodies. */
import { type Gunzip, gunzipSync, gzipSync } from 'node:zlib';
import { chooseInflater, type MakeInflater } from '../../../src/kubelet/http/inflate.ts';
import { IncomingResponse } from '../../../src/kubelet/http/exchange.ts';
import { KubeletError } from '../../../src/kubelet/explain/kubeleterror.ts';
import { HeadCache, ResponseReader } from '../../../src/kubelet/http/http1.ts';
import { HttpError } from '../../../src/kubelet/http/responsehead.ts';
import { isDeepStrictEqual } from 'node:util';
import { textBodies } from '../fixtures.ts';
import { bodyLimitBytes } from '../../../src/kubelet/http/responselimits.ts';
import { mutate } from '../mutate.ts';
import type { Random } from '../random.ts';
import { type FuzzTarget, unlessDeclared } from '../target.ts';

const statusLines = [
  'HTTP/1.1 200 OK',
  'HTTP/1.1 200 OK',
  'HTTP/1.1 404 Not Found',
  'HTTP/1.1 204 ',
  'HTTP/1.1 304 ',
  'HTTP/1.1 101 Up',
  'HTTP/1.0 200 OK',
];
const headers = [
  'Date: Sun, 22 Nov 2026 21:54:07 GMT',
  'Date: never',
  'Content-Type: text/plain; version=0.0.4',
  'Connection: close',
  'Connection: x, close',
  'X-Other: \u00e4',
  'Content-Encoding: gzip',
  'Transfer-Encoding: chunked',
];
const words = [
  ...statusLines,
  ...headers,
  'Content-Length: 3',
  '\r\n',
  '\r\n\r\n',
  '0\r\n\r\n',
  'ffffffff\r\n',
  'HTTP/1.1 103 Early Hints\r\n\r\n',
];

function response(random: Random): Buffer {
  const compressed = random.once(3);
  const content = random.of(textBodies).subarray(0, random.small(20_000));
  const body = compressed ? gzipSync(content) : content;
  const lines = [random.of(statusLines)];
  for (let count = random.below(4); count > 0; count -= 1) lines.push(random.of(headers));
  if (compressed) lines.push('Content-Encoding: gzip');
  const chunked = random.once(2);
  lines.push(chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`);
  const parts: Buffer[] = [Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')];
  if (!chunked) parts.push(body);
  else {
    for (const piece of random.cut(body)) {
      parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
    }
    parts.push(Buffer.from('0\r\n\r\n'));
  }
  return Buffer.concat(parts);
}

const attempt = { node: 'node', address: '127.0.0.1:10250', via: 'kubelet', timeoutMs: 1_000 } as const;
const question = { path: '/', accept: '*/*', gzip: true, authorization: undefined };
const makeInflater = chooseInflater();
if (makeInflater === undefined) throw new Error('this Node cannot inflate by steps');

/** Shared, so that heads also take the fast path. */
const heads = new HeadCache();

type Answer = ReturnType<IncomingResponse['onEnd']>;

/** The answer; undefined for a declared error, or where it is not whole. */
function read(pieces: readonly Buffer[], inflating: MakeInflater | undefined): Answer | undefined {
  return unlessDeclared(
    () => {
      const incoming = new IncomingResponse(question, attempt, inflating);
      const reader = new ResponseReader(incoming, heads);
      for (const piece of pieces) {
        // As a socket does where the reader of a body has no time for all of it.
        for (let at = 0; at < piece.length && !reader.isComplete; ) {
          const rest = Buffer.from(piece.subarray(at));
          at += reader.read(rest, rest.length);
          while (reader.isPaused) reader.resume();
        }
      }
      return reader.isComplete || reader.end() ? incoming.onEnd() : undefined;
    },
    HttpError,
    KubeletError,
  );
}

/** Inflates with Node in one go, and reports whether bytes follow; returns undefined for a broken body. */
function inflated(body: Buffer): { readonly body: Buffer; readonly hasRest: boolean } | undefined {
  try {
    const options = { maxOutputLength: bodyLimitBytes, info: true };
    const { buffer, engine } = gunzipSync(body, options) as unknown as { buffer: Buffer; engine: Gunzip };
    return { body: buffer, hasRest: engine.bytesWritten < body.length };
  } catch {
    return undefined;
  }
}

export const targets: readonly FuzzTarget[] = [
  {
    name: 'kubelet/http/http1.ts: a response in pieces is the response in one',
    make: (random) => (random.once(4) ? response(random) : mutate(random, response(random), words)),
    check(input, random) {
      const whole = read([input], makeInflater);
      const inPieces = read(random.cut(input), makeInflater);
      if (!isDeepStrictEqual(whole, inPieces)) throw new Error(`one piece: ${show(whole)}; pieces: ${show(inPieces)}`);
      return whole !== undefined;
    },
  },
  {
    name: 'kubelet/http/inflate.ts: what is inflated by steps is what Node inflates in one go',
    make: (random) => {
      const text = random.of(textBodies).subarray(0, random.small(60_000));
      const compressed = gzipSync(text, { level: random.below(10) });
      return random.once(5) ? compressed : mutate(random, compressed, [], [compressed]);
    },
    check(input, random) {
      const head = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${input.length}\r\n\r\n`);
      const answer = read([head, ...random.cut(input)], makeInflater);
      const expected = inflated(input);
      // Bytes behind the end are refused, as by Go, or ignored: zlib decides by where the pieces were cut.
      const isRefusedForRest = answer === undefined && expected?.hasRest === true;
      if (input.length > 0 && !isRefusedForRest && !isDeepStrictEqual(answer?.body, expected?.body)) {
        throw new Error(`by steps ${answer?.body.length} bytes, in one go ${expected?.body.length}`);
      }
      return answer !== undefined;
    },
  },
];

function show(answer: object | undefined): string {
  return JSON.stringify(answer)?.slice(0, 500) ?? 'refused';
}
