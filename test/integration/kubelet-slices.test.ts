/** Long answers of kubelets are read in slices of turns: others have theirs in between, deadlines hold, and nothing of an answer is lost. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createServer, type Server } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { systemClock } from '../../src/clock.ts';
import { iterationBudgetMs } from '../../src/eventloopqueue.ts';
import type { ResponseBodyReader } from '../../src/kubelet/http/body.ts';
import { createKubeletClient, type KubeletClient } from '../../src/kubelet/client.ts';
import { explainFailure } from '../../src/kubelet/explain/explainfailure.ts';
import { shortSliceMs } from '../../src/kubelet/http/readingbudget.ts';
import { createKubeletReader } from '../../src/scrape/endpoint/kubeletreader.ts';
import type { ReadResult } from '../../src/scrape/endpoint/readresult.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { delimitedContentType, encodeDelimited, encodeText, textContentType } from '../fakes/exposition.ts';
import { httpClientOf } from '../fakes/httpclient.ts';
import { listen } from '../fakes/listen.ts';
import { until } from '../fakes/until.ts';

const httpClient = httpClientOf(import.meta.url);
const authority = makeAuthority('kubelets');
const trust = { ca: authority.cert, cert: undefined, key: undefined, insecure: false };
const bodyBytes = 60 * 1024 * 1024;

let server: Server;
let port: number;
let answer: (socket: Socket) => void = () => {};
let connections = 0;

before(async () => {
  const certificate = authority.issue({ cn: 'node-a', ips: ['127.0.0.1'], usages: ['server'] });
  server = createServer(certificate, (socket) => {
    connections += 1;
    socket.on('error', () => {});
    socket.on('data', () => answer(socket));
  });
  port = await listen(server, 0);
});

after(async () => {
  server.close();
  await once(server, 'close');
});

function makeClient(requestTimeoutMs = 30_000): KubeletClient {
  const authorization = () => undefined;
  return createKubeletClient({ tls: () => trust, authorization, plainHttp: false, requestTimeoutMs, httpClient });
}

function fetch(
  client: KubeletClient,
  reader: ResponseBodyReader,
  signal = new AbortController().signal,
  node = 'node-a',
) {
  const request = { node, host: '127.0.0.1', port, path: '/', accept: '*/*', gzip: true, alternatives: 0 };
  return client.fetch({ ...request, onBody: () => reader }, signal);
}

const headOf = (length: number, headers: string) => `HTTP/1.1 200 OK\r\n${headers}content-length: ${length}\r\n\r\n`;

/** A whole answer with its length. */
function answers(body: Buffer, headers = ''): (socket: Socket) => void {
  return (socket) => {
    socket.write(headOf(body.length, headers));
    socket.write(body);
  };
}

const gzipped = 'content-encoding: gzip\r\n';

/** Reads at the speed of a slow decoder, and says what it has read. */
function slowReader(msPerChunk: number, nowMs = () => performance.now()) {
  const hash = createHash('sha256');
  return {
    write(chunk: Buffer) {
      hash.update(chunk);
      const untilMs = nowMs() + msPerChunk;
      while (nowMs() < untilMs);
      return true;
    },
    digest: () => hash.digest('hex'),
  };
}

/** On a busy machine the clock is far ahead of it. */
function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

const digestOf = (body: Buffer) => createHash('sha256').update(body).digest('hex');

/** Runs it, and counts the turns that others have meanwhile. */
async function turnsDuring(run: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  try {
    await run();
  } finally {
    isOver = true;
  }
  return turns;
}

describe('a body that is slow to read is whole', () => {
  const random = randomBytes(2 * 1024 * 1024);
  const zeros = Buffer.alloc(6 * 1024 * 1024);
  const cases = [
    ['as it is', random, answers(random)],
    ['inflated from little', zeros, answers(gzipSync(zeros), gzipped)],
    ['inflated from much', random, answers(gzipSync(random), gzipped)],
  ] as const;
  for (const [name, body, sends] of cases) {
    test(`${name}, and others have their turns`, async () => {
      answer = sends;
      await using client = makeClient();
      const reader = slowReader(1);
      const turns = await turnsDuring(() => fetch(client, reader));
      assert.equal(reader.digest(), digestOf(body));
      // At least thirty pieces, of which five are read in one turn.
      assert.ok(turns >= 6, `${turns}`);
      // The connection is as good as before.
      const seen = connections;
      const again = slowReader(0);
      await fetch(client, again);
      assert.equal(again.digest(), digestOf(body));
      assert.equal(connections, seen);
    });
  }

  test('when its connection ends before it is read', async () => {
    answer = (socket) => {
      socket.write(headOf(random.length, 'connection: close\r\n'));
      socket.end(random);
    };
    await using client = makeClient();
    const reader = slowReader(1);
    await fetch(client, reader);
    assert.equal(reader.digest(), digestOf(random));
  });

  test('in chunks of a byte each', async () => {
    const body = random.subarray(0, 100_000);
    const chunks = Buffer.concat([...body].map((byte) => Buffer.from([0x31, 13, 10, byte, 13, 10])));
    answer = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      socket.write(chunks);
      socket.write('0\r\n\r\n');
    };
    await using client = makeClient();
    const reader = slowReader(0.001);
    await fetch(client, reader);
    assert.equal(reader.digest(), digestOf(body));
  });
});

describe('responses of many kubelets that arrive together', () => {
  const kubelets = 30;
  const spinMs = 2;
  const body = randomBytes(20_000);

  /** Asks all kubelets, and has their responses arrive at once. Returns the digests, and the most reads in one turn. */
  async function readTogether(client: KubeletClient, send: (socket: Socket) => void) {
    const asked: (() => void)[] = [];
    answer = (socket) => void asked.push(() => send(socket));
    let most = 0;
    let inTurn = 0;
    const readers = Array.from({ length: kubelets }, () => {
      const { write, digest } = slowReader(spinMs);
      const counted = (chunk: Buffer) => {
        most = Math.max(most, (inTurn += 1));
        return write(chunk);
      };
      return { write: counted, digest };
    });
    const fetched = Promise.all(readers.map((reader, at) => fetch(client, reader, undefined, `node-${at}`)));
    await until('all are asked', () => asked.length === kubelets);
    let next = setImmediate(function count() {
      inTurn = 0;
      next = setImmediate(count);
    });
    for (const each of asked) each();
    await fetched;
    clearImmediate(next);
    return { digests: readers.map(({ digest }) => digest()), most };
  }

  const expected = Array.from({ length: kubelets }, () => digestOf(body));
  /** One begins at the end of a budget, and the count's own turn may begin within that of the queue. */
  const allowed = 2 * (shortSliceMs / spinMs + 1) + iterationBudgetMs / spinMs + 1;

  test('are read in several turns', async () => {
    await using client = makeClient();
    const { digests, most } = await readTogether(client, answers(body));
    assert.deepEqual(digests, expected);
    assert.ok(most <= allowed, `${most} in one turn, ${allowed} allowed`);
  });

  test('are whole when their connections end meanwhile', async () => {
    await using client = makeClient();
    const { digests } = await readTogether(client, (socket) => {
      socket.write(headOf(body.length, 'connection: close\r\n'));
      socket.end(body);
    });
    assert.deepEqual(digests, expected);
  });

  test('are whole when they come in many pieces', async () => {
    await using client = makeClient();
    const { digests } = await readTogether(client, (socket) => {
      socket.write(headOf(body.length, ''));
      for (let at = 0; at < body.length; at += 1_000) socket.write(body.subarray(at, at + 1_000));
    });
    assert.deepEqual(digests, expected);
  });
});

describe('a body that takes long to read ends with', () => {
  const bomb = gzipSync(Buffer.alloc(bodyBytes));

  test('its deadline', async () => {
    answer = answers(bomb, gzipped);
    // Reading all of it takes twice as long.
    await using client = makeClient(1_000);
    const error: unknown = await fetch(client, slowReader(2)).then(
      () => assert.fail('it was read'),
      (cause) => cause,
    );
    assert.equal(explainFailure(error).code, 'Timeout');
  });

  test('the signal', async () => {
    answer = answers(bomb, gzipped);
    await using client = makeClient();
    const leave = new AbortController();
    let chunks = 0;
    const reader = {
      write(chunk: Buffer) {
        if ((chunks += 1) === 20) setImmediate(() => leave.abort(new Error('the node left')));
        return slowReader(1).write(chunk);
      },
    };
    await assert.rejects(fetch(client, reader, leave.signal), /given up/);
    const read = chunks;
    await turnsDuring(() => new Promise((resolve) => setTimeout(resolve, 50)));
    assert.equal(chunks, read);
  });

  test('the time that reading it may cost', async () => {
    answer = answers(bomb, gzipped);
    await using client = makeClient(300_000);
    const error: unknown = await fetch(client, slowReader(4, threadCpuMs)).then(
      () => assert.fail('it was read'),
      (cause) => cause,
    );
    const result = explainFailure(error);
    assert.equal(result.code, 'BodyTooLarge', JSON.stringify(result));
    assert.match(result.what, /reading it took more than 2000 ms/);
  });
});

describe('others have their turns while there comes', () => {
  /** Scrapes the body, and asserts that it takes several turns. */
  async function scrapes(body: Buffer, contentType: string, least: number): Promise<ReadResult> {
    answer = answers(gzipSync(body), `${gzipped}content-type: ${contentType}\r\n`);
    await using client = makeClient();
    const endpoint = createKubeletReader('node-a', client, systemClock);
    let result: ReadResult | undefined;
    const turns = await turnsDuring(async () => {
      result = await endpoint.cadvisor([{ host: '127.0.0.1', port }], new AbortController().signal);
    });
    assert.ok(turns >= least, `${turns}`);
    assert.ok(result);
    return result;
  }

  const whyOf = (result: ReadResult) => ('why' in result ? result.why.what : result.kind);
  const line = (text: string, bytes: number) => Buffer.alloc(Math.floor(bytes / text.length) * text.length, text);

  test('a bomb of lines that were not requested', async () => {
    assert.match(
      whyOf(await scrapes(line('a 1\n', bodyBytes), textContentType, 20)),
      /no container rows|reading it took more/,
    );
  });

  test('a bomb of rows', async () => {
    const result = await scrapes(line('container_scrape_error 0\n', bodyBytes), textContentType, 3);
    assert.match(whyOf(result), /more than 131072 samples/);
    assert.deepEqual('why' in result && [result.kind, result.why.code], ['unusable', 'BodyTooLarge']);
  });

  const nowMs = Date.now();
  const rows = Array.from({ length: 4_000 }, (_, index) => ({
    container: 'app',
    id: `/kubepods/pod${index.toString(16).padStart(8, '0')}-99f7-409a-90ec-6fe07ee9cb11/${index.toString(16).padStart(64, '0')}`,
    namespace: 'shop',
    pod: `web-${index}`,
  }));
  const families = ['container_cpu_usage_seconds_total', 'container_memory_working_set_bytes'].map((name) => ({
    name,
    help: 'help',
    type: 'gauge' as const,
    samples: [{ id: '/' }, ...rows].map((labels) => ({ labels, value: 1e6, timestampMs: nowMs })),
  }));
  for (const [form, body, contentType] of [
    ['protobuf', encodeDelimited(families), delimitedContentType],
    ['text', encodeText(families), textContentType],
  ] as const) {
    test(`an answer with thousands of containers as ${form}`, async () => {
      const result = await scrapes(body, contentType, 3);
      assert.equal(result.kind === 'batch' && result.batch.layout.pods.length, rows.length, whyOf(result));
    });
  }
});

test('an error is kept no longer than it is quoted', async () => {
  const page = Buffer.alloc(bodyBytes, 'x');
  answer = (socket) => {
    socket.write(`HTTP/1.1 503 Unavailable\r\ncontent-length: ${page.length}\r\n\r\n`);
    socket.write(page);
  };
  await using client = makeClient();
  const request = { node: 'node-a', host: '127.0.0.1', port, path: '/', accept: '*/*', gzip: true, alternatives: 0 };
  const { body, wireBytes } = await client.fetch(request, new AbortController().signal);
  assert.deepEqual([body.length, wireBytes], [64 * 1024, page.length]);
});
