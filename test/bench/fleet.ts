/**
 * A fleet of kubelets behind one port, one for each address in 127.0.0.0/8: the second number says what kind of kubelet it is, the others which node.
 * Answers are written in TLS records as large as promhttp's writes make them: 16 KiB for protobuf, 4 KiB for text and what is compressed, since few large
 * records would flatter their readers.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { TLSSocket } from 'node:tls';
import { makeAuthority } from '../fakes/certificates.ts';
import {
  delimitedContentType,
  encodeDelimited,
  encodeText,
  type Family,
  textContentType,
  wantedBy,
} from '../fakes/exposition.ts';
import { resourceFamilies } from '../fakes/kubeletrows.ts';
import { listen } from '../fakes/listen.ts';
import { compress, filteredFamilies, fullFamilies } from './body.ts';
import { type Moving, movingDelimited, movingText } from './moving.ts';
import { nodeModel, tagOf } from './nodemodel.ts';
import { createTurns } from './turns.ts';

export interface FleetOptions {
  readonly pods: number;
  /**
   * moving: each answer is of the moment at which it is asked for. cycling: of one of a few moments in turn, and answers are kept, so that it takes the fleet no
   * time to answer.
   */
  readonly samples: 'moving' | 'cycling';
  /** How often each node is to be scraped. */
  readonly resolutionMs: number;
}

export interface Fleet extends AsyncDisposable {
  readonly port: number;
  /** How many questions came to each kind of address. */
  asked(kind: Kind): number;
  /** How many of their turns the nodes of that kind were not asked in since watchTurns() was called. */
  missed(kind: Kind): number;
  watchTurns(): void;
  /** Encodes what nodes of this kind answer before it is requested. */
  prepare(kind: Kind): void;
}

/** Who reads which: filtering kubelets are those of Kubernetes 1.37, full are older ones, and metrics-server reads as many nodes as are full, too; each is a fleet of its own, so that answers can be counted. */
export const kinds = {
  real: 10,
  filtered: 11,
  full: 12,
  resource: 13,
  'real-fewer': 14,
  uncompressed: 15,
  'custom-none': 16,
  'custom-two': 17,
  'custom-ten': 18,
} as const;

export type Kind = keyof typeof kinds;

/** Read by metrics-server. */
export function isReal(kind: Kind): boolean {
  return kind === 'real' || kind === 'real-fewer';
}

/** Reports whether the kubelets do not filter. */
export function isFull(kind: Kind): boolean {
  return kind === 'full' || kind === 'uncompressed';
}

/** The same, by what stands in addresses. */
const fullNumbers: ReadonlySet<number> = new Set(
  (Object.keys(kinds) as Kind[]).filter(isFull).map((kind) => kinds[kind]),
);

export const nodeName = (index: number): string => `node-${index}`;

export function addressOf(kind: Kind, index: number): string {
  return `127.${kinds[kind]}.${index >> 8}.${index & 0xff}`;
}

const cycle = 4;
const cycleMs = 10_000;

export async function startFleet({ pods, samples, resolutionMs }: FleetOptions): Promise<Fleet> {
  const certificate = makeAuthority('kubelets').issue({ cn: 'kubelet', ips: ['127.0.0.1'], usages: ['server'] });
  const counts = new Map<number, number>();
  const turns = new Map(Object.values(kinds).map((kind) => [kind as number, createTurns(resolutionMs)]));
  const kept = new Map<string, Buffer>();
  const moving = new Map<string, Moving>();
  const answered = new WeakSet<object>();
  const startedMs = Date.now();
  const server = createServer({ ...certificate, ALPNProtocols: ['http/1.1'], keepAliveTimeout: 90_000 }, handle);
  server.on('tlsClientError', () => {});
  const port = await listen(server, 0, '0.0.0.0');
  return {
    port,
    asked: (kind) => counts.get(kinds[kind]) ?? 0,
    missed: (kind) => turns.get(kinds[kind])?.missed(performance.now()) ?? 0,
    watchTurns,
    prepare,
    [Symbol.asyncDispose]: close,
  };

  function watchTurns(): void {
    for (const each of turns.values()) each.begin();
  }

  function prepare(kind: Kind): void {
    // metrics-server takes text.
    const protobuf = !isReal(kind);
    const cadvisor = isFull(kind) ? 'full' : 'filtered';
    const families = isReal(kind) || kind === 'resource' ? 'resource' : cadvisor;
    // By the question, and soon done.
    if (families === 'filtered') return;
    bodyOf({ families, query: '', protobuf, gzip: false }, nodeName(0), 0);
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const address = request.socket.localAddress?.split('.').map(Number) ?? [];
    const [, kind = 0, high = 0, low = 0] = address;
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    const node = nodeName(high * 256 + low);
    turns.get(kind)?.asked(node, performance.now());
    const cadvisor = fullNumbers.has(kind) ? 'full' : 'filtered';
    const [path = '', query = ''] = request.url?.split('?') ?? [];
    const families = path === '/metrics/resource' ? 'resource' : cadvisor;
    const what = { families, query: families === 'filtered' ? query : '', ...wantedBy(request.headers) } as const;
    const body = bodyOf(what, node, count);
    // Once made smaller, OpenSSL's records never grow again, and filtering kubelets are asked for a compressed answer once.
    const isFirst = !answered.has(request.socket);
    answered.add(request.socket);
    if (request.socket instanceof TLSSocket && !isFirst && (what.gzip || !what.protobuf)) {
      request.socket.setMaxSendFragment(smallRecordBytes);
    }
    response.writeHead(200, {
      'content-type': what.protobuf ? delimitedContentType : textContentType,
      ...(what.gzip ? { 'content-encoding': 'gzip' } : {}),
    });
    // Chunked, as from a kubelet that does not know the length when it begins.
    for (let at = 0; at < body.length; at += chunkBytes) response.write(body.subarray(at, at + chunkBytes));
    response.end();
  }

  function bodyOf(what: What, node: string, count: number): Buffer {
    const { families, query, protobuf, gzip } = what;
    const key = `${families} ${query} ${protobuf}`;
    const move = moving.get(key) ?? encode(what);
    moving.set(key, move);
    const tag = tagOf(node);
    const finish = (bytes: Buffer) => (gzip ? compress(bytes) : bytes);
    // A copy, since what is still being sent must not move.
    if (samples === 'moving') return finish(Buffer.from(move(Date.now() - startedMs, tag)));
    const tick = count % cycle;
    const tickKey = `${key} ${gzip} ${node} ${tick}`;
    const known = kept.get(tickKey);
    if (known !== undefined) return known;
    // Not of the future: that would be another path through the decoder.
    const body = finish(Buffer.from(move((tick - cycle) * cycleMs, tag)));
    kept.set(tickKey, body);
    return body;
  }

  function encode({ families, query, protobuf }: What): Moving {
    const node = nodeName(0);
    const asked = new URLSearchParams(query).getAll('name[]');
    const all = familiesOf[families](nodeModel(node, pods, startedMs), startedMs, asked);
    return protobuf ? movingDelimited(encodeDelimited(all), tagOf(node)) : movingText(encodeText(all), tagOf(node));
  }

  async function close(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Parts of an answer. */
interface What {
  readonly families: keyof typeof familiesOf;
  /** The query to a kubelet that filters. */
  readonly query: string;
  readonly protobuf: boolean;
  readonly gzip: boolean;
}

const familiesOf = {
  filtered: filteredFamilies,
  full: (model, nowMs) => fullFamilies(model, nowMs),
  resource: (model) => resourceFamilies(model),
} as const satisfies Record<string, FamiliesOf>;

type FamiliesOf = (model: ReturnType<typeof nodeModel>, nowMs: number, asked: readonly string[]) => Family[];

const chunkBytes = 32 * 1024;
const smallRecordBytes = 4 * 1024;
