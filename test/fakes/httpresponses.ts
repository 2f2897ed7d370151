/** Responses by HTTP/1.1 as fast-check makes them: proper ones, odd ones, and such that were harmed on the way. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';

/** Response of a server, piece by piece, before it closes the connection. */
export type Pieces = readonly Buffer[];

/** Mostly proper. */
const proper = { weight: 6, arbitrary: fc.constant(undefined) };
const orProper = <T>(arbitrary: fc.Arbitrary<T>) => fc.oneof(proper, { weight: 1, arbitrary });

const statusLines = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('HTTP/1.1 200 OK', 'HTTP/1.1 404 Not Found', 'HTTP/1.1 500 ') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'HTTP/1.1 200',
      'HTTP/1.1 204 No Content',
      'HTTP/1.1 304 Not Modified',
      'HTTP/1.1 101 Switching Protocols',
      'HTTP/1.1 099 Low',
      'HTTP/1.1 999 High',
      'HTTP/1.1 2000 Long',
      'HTTP/1.0 200 OK',
      'HTTP/1.2 200 OK',
      'HTTP/2.0 200 OK',
      'HTTP/0.9 200 OK',
      'http/1.1 200 ok',
      'HTTP/1.1  200 OK',
      'HTTP/1.1 200\tOK',
      'HTTP/1.1 200 \u00e4',
      'HTTP/1.1200 OK',
      'ICY 200 OK',
      'GET / HTTP/1.1',
      '',
    ),
  },
);

const interims = fc.constantFrom('HTTP/1.1 100 Continue', 'HTTP/1.1 103 Early Hints', 'HTTP/1.1 102 Processing');

const headers = fc.constantFrom(
  'content-type: text/plain; version=0.0.4',
  'Content-Type:application/vnd.google.protobuf',
  'CONTENT-TYPE: \t spaced \t ',
  'content-type:',
  'date: Sun, 22 Nov 2026 21:54:07 GMT',
  'Date: never',
  'x-other: \u00e4\u00ff',
  'x-empty:',
  'keep-alive: timeout=5',
  'connection: keep-alive',
  'Connection: close',
  'connection: x, close, y',
);

const oddHeaders = fc.constantFrom(
  'connection: upgrade\r\nupgrade: h2c',
  'content-length: 3',
  'content-length: 0',
  'content-length: +3',
  'content-length: 3, 3',
  'content-length: 0x3',
  'content-length: 99999999999999999999',
  'content-length: -1',
  'content-length:',
  'content-length : 3',
  'content length: 3',
  'transfer-encoding: chunked',
  'transfer-encoding: gzip, chunked',
  'transfer-encoding: chunked, identity',
  'transfer-encoding: identity',
  'transfer-encoding:',
  'Transfer-Encoding: Chunked',
  'content-encoding: gzip',
  'content-encoding: br',
  'no colon',
  ': no name',
  ' folded: value',
  'x-folded: a\r\n b',
  'x-nul: a\0b',
  'x-cr: a\rb',
  'x-lf: a\nb',
);

const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .constantFrom('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx', '0\r\n\r\n', '\r\n')
    .map((text) => Buffer.from(text)),
);

const framings = fc.oneof(
  fc.record({ kind: fc.constant('sized' as const), off: orProper(fc.integer({ min: -5, max: 5 })) }),
  fc.record({
    kind: fc.constant('chunked' as const),
    sizes: fc.array(fc.integer({ min: 1, max: 80 }), { maxLength: 5 }),
    writeSize: fc.constantFrom(
      (size: number) => size.toString(16),
      (size: number) => size.toString(16).toUpperCase(),
      (size: number) => size.toString(16).padStart(4, '0'),
    ),
    oddSize: orProper(
      fc.constantFrom(
        'g',
        '',
        ' 5',
        '5 ',
        '-1',
        '0x5',
        'ffffffff',
        'ffffffffffffffff',
        '10000000000000005',
        '5;a=b',
        '5;',
      ),
    ),
    trailers: orProper(
      fc.constantFrom(
        'x: y\r\n',
        'content-length: 3\r\n',
        'transfer-encoding: chunked\r\n',
        'no colon\r\n',
        ' x: y\r\n',
      ),
    ),
    end: orProper(fc.constantFrom('', '0', '0\r\n', '0\n\n', '00000000000\r\n\r\n')),
  }),
  fc.record({ kind: fc.constant('until-close' as const) }),
);

type Framing = typeof framings extends fc.Arbitrary<infer Value> ? Value : never;

const plans = fc.record({
  interims: orProper(fc.array(interims, { maxLength: 3 })),
  statusLine: statusLines,
  headers: fc.uniqueArray(headers, { maxLength: 4, selector: (line) => line.split(':')[0]?.toLowerCase() }),
  odd: orProper(oddHeaders),
  gzip: fc.boolean(),
  framing: framings,
  body: bodies,
  after: orProper(fc.constantFrom('\r\n', 'x', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', '\0')),
});

type Plan = typeof plans extends fc.Arbitrary<infer Value> ? Value : never;

const harms = fc.array(
  fc.record({
    how: fc.constantFrom('replace', 'insert', 'delete', 'cut', 'double'),
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    byte: fc.oneof(fc.constantFrom(0, 9, 10, 13, 32, 44, 48, 58, 59, 127, 128, 255), fc.nat({ max: 255 })),
  }),
  { maxLength: 3 },
);

type Harm = (typeof harms extends fc.Arbitrary<infer Value> ? Value : never)[number];

const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 });

export const responses: fc.Arbitrary<Pieces> = fc
  .tuple(plans, fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: harms }), cuts)
  .map(([plan, harm, places]) => cut(harm.reduce(harmed, write(plan)), places));

function write({ interims: early, statusLine, headers: given, odd, gzip, framing, body, after }: Plan): Buffer {
  const sent = gzip ? gzipSync(body) : Buffer.from(body);
  const lines = [
    statusLine,
    ...given,
    ...(gzip ? ['content-encoding: gzip'] : []),
    ...framingHeaders(framing, sent.length),
    ...(odd === undefined ? [] : [odd]),
  ];
  return Buffer.concat([
    ...(early ?? []).map((line) => Buffer.from(`${line}\r\nx-early: yes\r\n\r\n`)),
    Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'),
    framed(framing, sent),
    Buffer.from(after ?? ''),
  ]);
}

function framingHeaders(framing: Framing, bytes: number): string[] {
  if (framing.kind === 'until-close') return [];
  if (framing.kind === 'chunked') return ['transfer-encoding: chunked'];
  return [`content-length: ${bytes + (framing.off ?? 0)}`];
}

function framed(framing: Framing, body: Buffer): Buffer {
  if (framing.kind !== 'chunked') return body;
  const parts: Buffer[] = [];
  let at = 0;
  for (const size of [...framing.sizes, body.length]) {
    const chunk = body.subarray(at, at + size);
    at += chunk.length;
    // Of size 0 is what ends the body.
    if (chunk.length > 0) parts.push(Buffer.from(`${framing.writeSize(chunk.length)}\r\n`), chunk, Buffer.from('\r\n'));
  }
  if (framing.oddSize !== undefined) parts.push(Buffer.from(`${framing.oddSize}\r\nabcde\r\n`));
  return Buffer.concat([...parts, Buffer.from(framing.end ?? `0\r\n${framing.trailers ?? ''}\r\n`)]);
}

function harmed(bytes: Buffer, { how, at, byte }: Harm): Buffer {
  const place = Math.floor(at * bytes.length);
  const [before, behind] = [bytes.subarray(0, place), bytes.subarray(place)];
  switch (how) {
    case 'replace':
      return Buffer.concat([before, Buffer.from([byte]), behind.subarray(1)]);
    case 'insert':
      return Buffer.concat([before, Buffer.from([byte]), behind]);
    case 'delete':
      return Buffer.concat([before, behind.subarray(1)]);
    case 'double':
      return Buffer.concat([before, behind, behind]);
    case 'cut':
      return before;
  }
}

function cut(bytes: Buffer, places: readonly number[]): Pieces {
  const at = [0, ...places.map((share) => Math.floor(share * bytes.length)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}
