/** A DNS server on loopback, by UDP and TCP on one port, which answers each name as a test says. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6, type Socket } from 'node:net';
import { listen, loopback } from './listen.ts';

/** The answer for one name. */
export type DnsAnswer =
  | 'silent'
  | 'nxdomain'
  | 'servfail'
  | 'refused'
  /** Cut after one record by UDP, whole by TCP. */
  | { readonly truncated: readonly string[] }
  | { readonly cname: string; readonly addresses: readonly string[] }
  | { readonly addresses: readonly string[]; readonly ttlSeconds?: number; readonly delayMs?: number }
  /** The addresses of one family; the other family's question gets no answer. */
  | { readonly only: 'A' | 'AAAA'; readonly addresses: readonly string[] };

export interface FakeDns extends AsyncDisposable {
  /** As createResolver takes it. */
  readonly server: string;
  /** Every question so far, as `A name` or `AAAA name`; by TCP with `tcp ` before it. */
  readonly questions: readonly string[];
  /** Names that are not here do not exist. */
  answers: Readonly<Record<string, DnsAnswer>>;
}

const types: ReadonlyMap<number, 'A' | 'AAAA'> = new Map([
  [1, 'A'],
  [28, 'AAAA'],
]);

export async function createFakeDns(answers: FakeDns['answers'] = {}): Promise<FakeDns> {
  const questions: string[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      respond(data.subarray(2), true, (answer) => {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(answer.length);
        socket.write(Buffer.concat([length, answer]));
      });
    });
  });
  const port = await listen(tcp, 0);
  const udp = createSocket('udp4', (message, { port: to, address }) =>
    respond(message, false, (answer) => udp.send(answer, to, address)),
  );
  udp.bind(port, loopback);
  await once(udp, 'listening');
  const fake: FakeDns = {
    server: `${loopback}:${port}`,
    questions,
    answers,
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
      udp.close();
      tcp.close();
      await Promise.all([once(udp, 'close'), once(tcp, 'close')]);
    },
  };
  return fake;

  function respond(query: Buffer, byTcp: boolean, send: (answer: Buffer) => void): void {
    const { name, type, end } = questionOf(query);
    const family = types.get(type);
    questions.push(`${byTcp ? 'tcp ' : ''}${family ?? type} ${name}`);
    const known = fake.answers[name] ?? 'nxdomain';
    if (known === 'silent' || (typeof known === 'object' && 'only' in known && known.only !== family)) return;
    const question = query.subarray(12, end);
    const answer = answerTo(known, family, byTcp, question);
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8180 | (answer.truncated ? 0x0200 : 0) | answer.code, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(answer.records.length, 6);
    const bytes = Buffer.concat([head, question, ...answer.records]);
    const delayMs = typeof known === 'object' && 'delayMs' in known ? (known.delayMs ?? 0) : 0;
    if (delayMs === 0) send(bytes);
    else timers.add(setTimeout(() => send(bytes), delayMs));
  }
}

interface Answer {
  readonly code: number;
  readonly truncated: boolean;
  readonly records: readonly Buffer[];
}

function answerTo(known: DnsAnswer, family: 'A' | 'AAAA' | undefined, byTcp: boolean, question: Buffer): Answer {
  if (typeof known === 'string')
    return { code: { nxdomain: 3, servfail: 2, refused: 5, silent: 0 }[known], truncated: false, records: [] };
  const [addresses, ttl] =
    'truncated' in known
      ? [known.truncated, 60]
      : [known.addresses, 'ttlSeconds' in known ? (known.ttlSeconds ?? 60) : 60];
  const own = question.subarray(0, -4);
  const owner = 'cname' in known ? wireName(known.cname) : own;
  const records = addresses
    .filter((address) => isIPv6(address) === (family === 'AAAA'))
    .map((address) => record(owner, isIPv6(address) ? 28 : 1, ttl, addressBytes(address)));
  const truncated = 'truncated' in known && !byTcp;
  const aliases = 'cname' in known ? [record(own, 5, ttl, wireName(known.cname))] : [];
  return { code: 0, truncated, records: [...aliases, ...(truncated ? records.slice(0, 1) : records)] };
}

function record(owner: Buffer, type: number, ttl: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner, fixed, data]);
}

function addressBytes(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number));
  const [before = '', after = ''] = address.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const [left, right] = [groups(before), groups(after)];
  const all = [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function wireName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}

function questionOf(query: Buffer): { readonly name: string; readonly type: number; readonly end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), end: at + 5 };
}
