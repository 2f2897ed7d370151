/** Measures decoding of one node's response, in steady state and after a pod was replaced, beside memcpy, gunzip and AES of so many bytes. */
import { createCipheriv } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { encodeFamilies } from '../fakes/exposition.ts';
import type { KubeletModel } from '../fakes/kubeletmodel.ts';
import { briefQuestion, compress, filteredFamilies, type Form, forms, makeBody, realBytes } from './body.ts';
import { type Answers, containersIn, createNodeDecoder, decodeOnce, recordBytes, type Used } from './decodeonce.ts';
import { allocatedBytes, type Collect, createCollect } from './heap.ts';
import { type Contender, type Figures, figureOf, inTurns, ratioOf, single } from './measure.ts';
import { mustBeTheSame, readNaively } from './naive.ts';
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
      const changing = changingOf(pods, form);
      verify(`${form} of ${pods} pods`, bodies);
      verify(`${form} of ${pods} pods, one of which is replaced`, changing);
      decodes.push({ form, bodies, decode: decoderOf(bodies), decodeChanged: decoderOf(changing) });
    }
    await time(figures, pods, decodes);
    allocations(figures, pods, decodes, collect);
  }
}

interface Tick extends Answers {
  readonly nodeTimeMs: number;
  /** Its content. */
  readonly containers: ReadonlyMap<string, Used>;
}

interface Decoding {
  readonly form: Form;
  readonly bodies: readonly Tick[];
  readonly decode: () => void;
  /** The layout is never that of the answer before. */
  readonly decodeChanged: () => void;
}

function ticksOf(pods: PodCount, form: Form): Tick[] {
  const firstMs = Date.now();
  return Array.from({ length: ticks }, (_, tick) => {
    const nodeTimeMs = firstMs + tick * tickMs;
    return tickOf(form, nodeModel(nodeName, pods, nodeTimeMs), nodeTimeMs);
  });
}

/** In turns the node runs one pod and another one in its place. */
function changingOf(pods: PodCount, form: Form): Tick[] {
  const firstMs = Date.now();
  return [pods, Math.trunc(pods / 2)].map((absent, tick) => {
    const nodeTimeMs = firstMs + tick * tickMs;
    const model = nodeModel(nodeName, pods + 1, nodeTimeMs);
    return tickOf(form, { ...model, pods: model.pods.toSpliced(absent, 1) }, nodeTimeMs);
  });
}

const nodeName = 'node-0';

function tickOf(form: Form, model: KubeletModel, nodeTimeMs: number): Tick {
  return {
    nodeTimeMs,
    whole: makeBody(form, model, nodeTimeMs),
    brief:
      form === 'filtered-protobuf'
        ? encodeFamilies(filteredFamilies(model, nodeTimeMs, briefQuestion), true)
        : undefined,
    containers: readNaively(makeBody('filtered-text', model, nodeTimeMs).bytes),
  };
}

/** Asserts equal results: a decoder that finds something else is not faster. */
function verify(what: string, bodies: readonly Tick[]): void {
  const decoder = createNodeDecoder();
  // Twice, since the first time there is nothing to recognise.
  for (const tick of [...bodies, ...bodies]) {
    mustBeTheSame(what, containersIn(decodeOnce(tick, tick.nodeTimeMs, decoder)), tick.containers);
  }
}

function sizes(figures: Figures, pods: PodCount, form: Form, [first]: readonly Tick[]): void {
  const length = first?.whole.bytes.length ?? 0;
  figures.set(`size.${pods}.${form}`, single(length, 'bytes'));
  const real = realBytes[pods];
  if (real === undefined || form.startsWith('filtered')) return;
  figures.set(
    `size.${pods}.${form}.to-real`,
    single(length / (form === 'full-text' ? real.text : real.protobuf), 'ratio'),
  );
}

function decoderOf(bodies: readonly Tick[]): () => void {
  const decoder = createNodeDecoder();
  let next = 0;
  return () => {
    const tick = bodies[next];
    next = (next + 1) % bodies.length;
    if (tick === undefined) throw new Error('there are no bodies');
    decodeOnce(tick, tick.nodeTimeMs, decoder);
  };
}

async function time(figures: Figures, pods: PodCount, decodes: readonly Decoding[]): Promise<void> {
  const bytesOf = (form: Form): Buffer =>
    decodes.find((one) => one.form === form)?.bodies[0]?.whole.bytes ?? Buffer.of();
  const contenders = [
    ...decodes.map(({ form, decode }) => repeat(`decode.${pods}.${form}`, decode)),
    ...decodes.map(({ form, decodeChanged }) => repeat(`decode.${pods}.${form}.changed`, decodeChanged)),
    repeat(`limit.${pods}.full-text.split-and-regex`, () => readNaively(bytesOf('full-text'))),
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
