/** Which responses are read, and which are an error, wherever the connection cuts them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HeadCache, ResponseReader } from '../../../../src/kubelet/http/http1.ts';
import { HttpError } from '../../../../src/kubelet/http/responsehead.ts';
import { headLimitBytes } from '../../../../src/kubelet/http/responselimits.ts';
import { cpuMsOf } from '../../../fakes/cputime.ts';

interface Seen {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly whole: boolean;
  readonly reusable: boolean;
}

/** A head that was read before takes the fast path. */
const heads = new HeadCache();

/** Reads the text in chunks of this many bytes, each at the start of a buffer that has other bytes behind it. */
function read(text: string, pieceBytes: number, end = false): Seen {
  let status: number | undefined;
  let headers: Readonly<Record<string, string>> = {};
  let body = '';
  const reader = new ResponseReader(
    {
      onHead(head) {
        status = head.info.status;
        headers = Object.fromEntries(head.headers);
      },
      onBody: (chunk) => {
        body += chunk.toString('latin1');
        return true;
      },
      resume: () => true,
      onEnd: () => {},
    },
    heads,
  );
  const bytes = Buffer.from(text, 'latin1');
  const buffer = Buffer.alloc(pieceBytes + 100, 'behind the end\r\n');
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const length = bytes.copy(buffer, 0, at, at + pieceBytes);
    reader.read(buffer, length);
  }
  if (end) reader.end();
  return { status, headers, body, whole: reader.isComplete, reusable: reader.reusable };
}

/** The last size comes twice: a head that arrives whole a second time takes the fast path. */
const pieceSizes = [1, 2, 3, 7, 100_000, 100_000];

function reads(name: string, text: string, expected: Partial<Seen>, end = false): void {
  test(`a response with ${name} is read`, () => {
    for (const size of pieceSizes) {
      const { status, body, whole, reusable, ...rest } = read(text, size, end);
      assert.deepEqual(
        { status, body, whole, reusable, ...(expected.headers === undefined ? {} : rest) },
        { status: 200, whole: true, reusable: true, ...expected },
        `in pieces of ${size}`,
      );
    }
  });
}

function refuses(name: string, text: string): void {
  test(`a response with ${name} is rejected`, () => {
    for (const size of pieceSizes) assert.throws(() => read(text, size, true), HttpError, `in pieces of ${size}`);
  });
}

const head = 'HTTP/1.1 200 OK\r\n';
const sized = `${head}Content-Length: 3\r\n\r\n`;
const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n`;

describe('valid responses', () => {
  reads('a body of a given length', `${sized}abc`, { body: 'abc' });
  reads('no body', `${head}content-length: 0\r\n\r\n`, { body: '' });
  reads('chunks', `${chunked}1\r\na\r\n002\r\nbc\r\n0\r\n\r\n`, { body: 'abc' });
  reads('a chunk of hexadecimal size', `${chunked}1A\r\n${'x'.repeat(26)}\r\n0\r\n\r\n`, { body: 'x'.repeat(26) });
  reads('trailers', `${chunked}1\r\na\r\n0\r\nx: y\r\nz: \r\n\r\n`, { body: 'a' });
  reads('no chunk but the last', `${chunked}0\r\n\r\n`, { body: '' });
  reads('a body until the connection closes', `${head}\r\nabc`, { body: 'abc', reusable: false }, true);
  reads('Connection: close', `${head}connection: x , Close\r\ncontent-length: 1\r\n\r\na`, {
    body: 'a',
    reusable: false,
  });
  reads(
    'blanks around header values',
    `${head}Content-Type: \t a; b \t\r\nDATE:x\r\nx: y\r\ncontent-length: 0\r\n\r\n`,
    {
      body: '',
      headers: { 'content-type': 'a; b', date: 'x', 'content-length': '0' },
    },
  );
  reads(
    'a value of blanks, and one with a no-break space,',
    `${head}date: \t \r\ncontent-type:\xa0a\xa0 \r\ncontent-length:0\r\n\r\n`,
    {
      body: '',
      headers: { date: '', 'content-type': '\xa0a\xa0', 'content-length': '0' },
    },
  );
  reads(
    'an interim response before it',
    `HTTP/1.1 103 Early Hints\r\nlink: x\r\ncontent-length: 9\r\n\r\n${sized}abc`,
    {
      body: 'abc',
    },
  );
  reads('status 204', 'HTTP/1.1 204 No Content\r\n\r\n', { status: 204, body: '' });
  reads('no reason phrase', 'HTTP/1.1 404\r\ncontent-length: 0\r\n\r\n', { status: 404, body: '' });
  reads('surplus bytes', `${sized}abcHTTP/1.1`, { body: 'abc', reusable: false });
});

describe('a hostile head takes linear time:', () => {
  const hostile: Readonly<Record<string, string>> = {
    'a value of spaces': `${head}x: ${' '.repeat(60_000)}\0\r\n\r\n`,
    'a value of spaces and letters': `${head}x: ${'a '.repeat(30_000)}\0\r\n\r\n`,
    'a name without end': `${head}${'a'.repeat(60_000)}\r\n\r\n`,
    'a connection of commas': `${head}connection: ${' ,'.repeat(30_000)}\0\r\n\r\n`,
    'a reason without end': `HTTP/1.1 200 ${' '.repeat(60_000)}\0\r\n\r\n`,
  };
  for (const [name, text] of Object.entries(hostile)) {
    test(name, () => {
      const tookMs = cpuMsOf(() => {
        for (const size of [1, 100_000]) assert.throws(() => read(text, size, true), HttpError);
      });
      assert.ok(tookMs < 1_000, `${tookMs} ms`);
    });
  }
});

describe('a response is not complete when the connection ends after', () => {
  for (const text of [
    '',
    'HTTP/1.1 2',
    head,
    sized,
    `${sized}ab`,
    chunked,
    `${chunked}1\r\na\r\n`,
    `${chunked}1\r\na\r\n0\r\n`,
  ]) {
    test(JSON.stringify(text), () => assert.equal(read(text, 5, true).whole, false));
  }
});

describe('invalid responses', () => {
  refuses('the first byte of another protocol', 'S');
  refuses('the greeting of SSH', 'SSH-2.0-OpenSSH_9.6\r\n');
  refuses('HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n');
  refuses('HTTP/2', 'HTTP/2.0 200 OK\r\n\r\n');
  refuses('status 600', 'HTTP/1.1 600 x\r\n\r\n');
  refuses('a status without a space', 'HTTP/1.1 200OK\r\n\r\n');
  refuses('100 Continue before it', `HTTP/1.1 100 Continue\r\n\r\n${sized}abc`);
  refuses('101 Switching Protocols', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n');
  refuses('interim responses without end', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(9));
  refuses('a bare line feed behind the status', 'HTTP/1.1 200 OK\ncontent-length: 0\r\n\r\n');
  refuses('a bare line feed behind a header', `${head}content-length: 0\n\r\n`);
  refuses('a bare line feed as the end of the head', `${head}content-length: 0\r\n\n`);
  refuses('a bare carriage return', `${head}x: a\rb\r\n\r\n`);
  refuses('a NUL in a value', `${head}x: a\0b\r\n\r\n`);
  refuses('a NUL in a name', `${head}x\0: a\r\n\r\n`);
  refuses('a folded header', `${head}x: a\r\n b\r\n\r\n`);
  refuses('a space before the colon', `${head}content-length : 3\r\n\r\nabc`);
  refuses('a header without a colon', `${head}x\r\n\r\n`);
  refuses('a header without a name', `${head}: x\r\n\r\n`);
  refuses('two lengths', `${head}content-length: 3\r\ncontent-length: 3\r\n\r\nabc`);
  for (const length of ['+3', '-3', '0x3', '3, 3', '3 3', '', '1e1', '9'.repeat(16)]) {
    refuses(`the length ${JSON.stringify(length)}`, `${head}content-length: ${length}\r\n\r\nabc`);
  }
  refuses('a length together with chunks', `${head}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`);
  for (const encoding of ['gzip, chunked', 'chunked, chunked', 'identity', 'xchunked', '']) {
    refuses(`the transfer encoding ${encoding}`, `${head}transfer-encoding: ${encoding}\r\n\r\n0\r\n\r\n`);
  }
  for (const size of ['', 'g', ' 1', '1 ', '-1', '0x1', '1;a=b', '000000001', 'ffffffffffffffff']) {
    refuses(`the chunk size ${JSON.stringify(size)}`, `${chunked}${size}\r\na\r\n0\r\n\r\n`);
  }
  refuses('a chunk size that ends with a bare line feed', `${chunked}1\na\r\n0\r\n\r\n`);
  refuses('a chunk that is longer than its size', `${chunked}1\r\nab\r\n0\r\n\r\n`);
  refuses('a chunk that ends with a bare line feed', `${chunked}1\r\na\n0\r\n\r\n`);
  refuses('a length behind the body', `${chunked}0\r\ncontent-length: 3\r\n\r\n`);
  refuses('a malformed trailer', `${chunked}0\r\nx\r\n\r\n`);
  refuses('a body with status 204', 'HTTP/1.1 204 No Content\r\ncontent-length: 3\r\n\r\nabc');
  refuses('chunks with status 304', 'HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n');
  test('a response with a head without end is rejected', () => {
    for (const endless of [
      `${head}x: ${'y'.repeat(headLimitBytes)}`,
      `${head}${'x: y\r\n'.repeat(headLimitBytes / 6)}`,
    ]) {
      assert.throws(() => read(endless, 1_000), HttpError);
    }
  });
  test('a response with trailers without end is rejected', () => {
    assert.throws(() => read(`${chunked}0\r\n${'x: y\r\n'.repeat(headLimitBytes / 6)}`, 1_000), HttpError);
  });
});
