/** What one node's answer costs to decode in steady state, beside what the machine needs to do anything at all with so many bytes. */
import { createCipheriv } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { cadvisor } from '../../src/scrape/cadvisor.ts';
import { createDecoder } from '../../src/scrape/decode.ts';
import { type Body, compress, type Form, forms, makeBody, realBytes } from './body.ts';
import { allocatedBytes, type Collect, createCollect } from './heap.ts';
import { type Contender, type Figures, figureOf, inTurns, ratioOf, single } from './measure.ts';
import { nodeModel, type PodCount, podCounts } from './nodemodel.ts';

/** Scrapes with moving values, again and again. */
const ticks = 6;
const tickMs = 15_000;

const turns = { rounds: 9, roundMs: 30, warmUpMs: 200 };

export async function benchDecode(figures: Figures): Promise<void> {
  const collect = createCollect();
  for (const pods of podCounts) {
    const decodes: Decoding[] = [];
    for (const form of forms) {
      const bodies = ticksOf(pods, form);
      sizes(figures, pods, form, bodies);
      decodes.push({ form, bodies, decode: decoderOf(bodies) });
    }
    await time(figures, pods, decodes);
    allocations(figures, pods, decodes, collect);
  }
}

interface Tick {
  readonly body: Body;
  readonly nodeTimeMs: number;
}

interface Decoding {
  readonly form: Form;
  readonly bodies: readonly Tick[];
  readonly decode: () => void;
}

function ticksOf(pods: PodCount, form: Form): Tick[] {
  const firstMs = Date.now();
  return Array.from({ length: ticks }, (_, tick) => {
    const nodeTimeMs = firstMs + tick * tickMs;
    return { nodeTimeMs, body: makeBody(form, nodeModel('node-0', pods, nodeTimeMs), nodeTimeMs) };
  });
}

function sizes(figures: Figures, pods: PodCount, form: Form, [first]: readonly Tick[]): void {
  const length = first?.body.bytes.length ?? 0;
  figures.set(`size.${pods}.${form}`, single(length, 'bytes'));
  const real = realBytes[pods];
  if (real === undefined || form.startsWith('filtered')) return;
  figures.set(
    `size.${pods}.${form}.to-real`,
    single(length / (form === 'full-text' ? real.text : real.protobuf), 'ratio'),
  );
}

/** As production does: each body comes in pieces of a TLS record, and is read by what the one before has left. */
function decoderOf(bodies: readonly Tick[]): () => void {
  const decoder = createDecoder(cadvisor, 'node-0');
  let next = 0;
  return () => {
    const tick = bodies[next];
    next = (next + 1) % bodies.length;
    if (tick === undefined) throw new Error('there are no bodies');
    const { bytes, contentType } = tick.body;
    const decoding = decoder.begin(contentType);
    for (let at = 0; at < bytes.length; at += recordBytes) decoding?.write(bytes.subarray(at, at + recordBytes));
    const decoded = decoding?.finish(tick.nodeTimeMs);
    if (decoded?.kind !== 'batch') throw new Error(`a body of the benchmark is ${decoded?.kind}: ${decoded?.reason}`);
  };
}

async function time(figures: Figures, pods: PodCount, decodes: readonly Decoding[]): Promise<void> {
  const bytesOf = (form: Form): Buffer =>
    decodes.find((one) => one.form === form)?.bodies[0]?.body.bytes ?? Buffer.of();
  const contenders = [
    ...decodes.map(({ form, decode }) => repeat(`decode.${pods}.${form}`, decode)),
    repeat(`limit.${pods}.full-text.split-and-regex`, naive(bytesOf('full-text'))),
    ...limits(`limit.${pods}.full-protobuf`, bytesOf('full-protobuf')),
    ...limits(`limit.${pods}.filtered-protobuf`, bytesOf('filtered-protobuf')),
  ];
  const results = await inTurns(contenders, turns);
  for (const [name, values] of results) figures.set(name, figureOf(values, 'us'));
  const full = results.get(`decode.${pods}.full-text`) ?? [];
  const slow = results.get(`limit.${pods}.full-text.split-and-regex`) ?? [];
  figures.set(`decode.${pods}.full-text.to-split-and-regex`, ratioOf(full, slow));
}

function allocations(figures: Figures, pods: PodCount, decodes: readonly Decoding[], collect: Collect): void {
  for (const { form, decode } of decodes) {
    figures.set(`decode.${pods}.${form}.allocated`, figureOf(allocatedBytes(decode, collect), 'bytes'));
  }
}

function repeat(name: string, once: () => void): Contender {
  return {
    name,
    run(times) {
      for (let time = 0; time < times; time += 1) once();
    },
  };
}

/** One TLS record, at its largest. */
const recordBytes = 16 * 1024;

function limits(prefix: string, bytes: Buffer): Contender[] {
  const copy = Buffer.alloc(bytes.length);
  const compressed = compress(bytes);
  const key = Buffer.alloc(16, 1);
  const nonce = Buffer.alloc(12, 2);
  return [
    repeat(`${prefix}.memcpy`, () => bytes.copy(copy)),
    repeat(`${prefix}.gunzip`, () => gunzipSync(compressed, { chunkSize: 128 * 1024 })),
    repeat(`${prefix}.aes-128-gcm`, () => {
      const cipher = createCipheriv('aes-128-gcm', key, nonce);
      for (let at = 0; at < bytes.length; at += recordBytes) cipher.update(bytes.subarray(at, at + recordBytes));
      cipher.final();
    }),
  ];
}

/** What one writes first: every line of the text, and a Map for what was found. */
function naive(bytes: Buffer): () => void {
  return () => {
    const found = new Map<string, number>();
    for (const line of bytes.toString().split('\n')) {
      const match = /^(container_cpu_usage_seconds_total|container_memory_working_set_bytes)\{(.*)\} (\S+)/.exec(line);
      if (match === null) continue;
      const labels = Object.fromEntries([...(match[2] ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, k, v]) => [k, v]));
      found.set(`${match[1]}/${labels['namespace']}/${labels['pod']}/${labels['container']}`, Number(match[3]));
    }
  };
}
