/** Bodies of a kubelet's answer that are costly to decode. */
import { gzipSync } from 'node:zlib';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.ts';
import { answerWith, flood } from '../hostilekubelet.ts';

const target = 'decode/decoder.ts';
const text = 'Content-Type: text/plain; version=0.0.4';
const protobuf =
  'Content-Type: application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';
const gzip = 'Content-Encoding: gzip';
const mebibyte = 1024 ** 2;
/** A node is scraped twice within its first seconds; both answers are hostile. */
const requests = 2;
/** The program has a body of 64 MiB in memory, compressed and inflated, and the batch that came of it. */
const bodyLimits = { addedBytes: 256 * mebibyte, cpuSeconds: 10 };

interface Body {
  readonly name: string;
  readonly answer: () => Buffer | ((socket: Socket) => void);
}

function body({ name, answer }: Body): Attack {
  let made: Buffer | ((socket: Socket) => void) | undefined;
  return {
    name: `a kubelet answers with ${name}`,
    target,
    limits: bodyLimits,
    prepare: () => void (made ??= answer()),
    async run({ addKubelet, askAsAdmin, signal }) {
      const kubelet = await addKubelet({
        onRequest: (socket) => (typeof made === 'function' ? made(socket) : void (made && socket.write(made))),
      });
      await kubelet.asked(1, signal);
      // Until the program has said what it thinks of it.
      for (;;) {
        signal.throwIfAborted();
        const { nodes } = JSON.parse((await askAsAdmin(`/status?node=${kubelet.node}`)).text) as {
          nodes: readonly { state?: string; error?: { code: string; message: string } }[];
        };
        const [report] = nodes;
        if (report?.state !== undefined && report.state !== 'waiting' && kubelet.requests.length >= requests) {
          return `${report.state}${report.error === undefined ? '' : `: ${report.error.code}`}`;
        }
        await sleep(50);
      }
    },
  };
}

const row = (id: string) => `container_cpu_usage_seconds_total{id="${id}"} 1\n`;

/** A chunked answer of such pieces, one chunk each. */
const chunked = (headers: readonly string[], pieces: Iterable<string>) => {
  const head = ['HTTP/1.1 200 OK', ...headers, 'Transfer-Encoding: chunked', '', ''].join('\r\n');
  const parts = [head];
  for (const piece of pieces) parts.push(`${piece.length.toString(16)}\r\n${piece}\r\n`);
  parts.push('0\r\n\r\n');
  return Buffer.from(parts.join(''), 'latin1');
};

const bodies: readonly Body[] = [
  {
    name: '64 MiB of one line, compressed to 64 KiB',
    answer: () => answerWith(gzipSync(Buffer.alloc(63 * mebibyte, 'a'), { level: 9 }), [text, gzip]),
  },
  {
    name: '64 MiB of line ends, compressed',
    answer: () => answerWith(gzipSync(Buffer.alloc(63 * mebibyte, '\n'), { level: 9 }), [text, gzip]),
  },
  {
    name: 'a GiB of zeros, compressed',
    answer: () => {
      const member = gzipSync(Buffer.alloc(64 * mebibyte), { level: 9 });
      return answerWith(Buffer.concat(Array.from({ length: 16 }, () => member)), [protobuf, gzip]);
    },
  },
  {
    name: '64 MiB of short rows, compressed',
    answer: () => answerWith(gzipSync(Buffer.from(row('/').repeat(1_300_000)), { level: 9 }), [text, gzip]),
  },
  {
    name: '20,000 empty gzip members',
    answer: () => answerWith(Buffer.concat(Array.from({ length: 20_000 }, () => gzipSync(''))), [text, gzip]),
  },
  { name: '840,000 short rows', answer: () => answerWith('a 1\n'.repeat(840_000), [text]) },
  {
    name: '400,000 rows of containers',
    answer: () => {
      const rows: string[] = [];
      for (let at = 0; at < 400_000; at += 1) rows.push(row(`/kubepods/pod${at}/${at}`));
      return answerWith(rows.join(''), [text]);
    },
  },
  {
    name: '10 million empty protobuf messages',
    answer: () => answerWith(Buffer.alloc(10_000_000), [protobuf]),
  },
  {
    name: 'a protobuf family of 4 million empty metrics',
    answer: () => {
      const name = Buffer.from('container_cpu_usage_seconds_total');
      const head = Buffer.concat([Buffer.from([0x0a, name.length]), name]);
      const metrics = Buffer.from('2200'.repeat(4_000_000), 'hex');
      const size = head.length + metrics.length;
      const length = [];
      for (let left = size; left > 0; left >>>= 7) length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
      return answerWith(Buffer.concat([Buffer.from(length), head, metrics]), [protobuf]);
    },
  },
  {
    name: '500,000 chunks of one byte',
    answer: () => chunked([text], row('/').repeat(500_000 / row('/').length)),
  },
  { name: 'one label of 30 MiB', answer: () => answerWith(row('a'.repeat(30 * mebibyte)), [text]) },
  { name: 'a line of a million labels', answer: () => answerWith(`a{${'b="",'.repeat(million())}} 1\n`, [text]) },
];

function million(): number {
  return 1_000_000;
}

export const attacks: readonly Attack[] = [
  ...bodies.map(body),
  {
    name: 'a kubelet answers without an end',
    target: 'kubelet/http/body.ts',
    limits: bodyLimits,
    async run({ addKubelet, signal }) {
      const head = `HTTP/1.1 200 OK\r\n${text}\r\n\r\n`;
      const kubelet = await addKubelet({
        onRequest: (socket) => {
          socket.write(head);
          flood(socket, row('/').repeat(1_000));
        },
      });
      await kubelet.asked(requests, signal);
      await sleep(1_000);
    },
  },
];
