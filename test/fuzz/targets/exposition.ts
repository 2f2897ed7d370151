/** Bodies of kubelets' answers: text and delimited protobuf, alone and after others of the same node. */
import { inspect, isDeepStrictEqual } from 'node:util';
import { toPoints } from '../../../src/sample/batch.ts';
import { DelimitedReader } from '../../../src/exposition/protobufreader.ts';
import { ExpositionError, type SampleSink, noRow } from '../../../src/exposition/sample.ts';
import { TextReader } from '../../../src/exposition/textreader.ts';
import { cadvisor } from '../../../src/decode/cadvisor/cadvisor.ts';
import { createDecoder, type Decoder } from '../../../src/decode/decoder.ts';
import { resource } from '../../../src/decode/resource/resource.ts';
import { answerTime } from '../../../src/decode/sampletime.ts';
import {
  delimitedContentType,
  encodeDelimited,
  encodeText,
  type Family,
  type FamilySample,
  textContentType,
} from '../../fakes/exposition.ts';
import { textBodies } from '../fixtures.ts';
import { mutate } from '../mutate.ts';
import { Random } from '../random.ts';
import type { FuzzTarget } from '../target.ts';

const nowMs = 1_795_377_600_000;
const families = [...new Set([...cadvisor.families, ...resource.families])];
const labelNames = ['container', 'id', 'image', 'name', 'namespace', 'pod', 'cpu', 'container_name', 'pod_name'];
const words = [
  ...families,
  ...labelNames,
  '{',
  '}',
  '",',
  '="',
  '\\',
  '\\n',
  '# TYPE ',
  '# HELP ',
  ' counter',
  '\n',
  '{}',
  '1e300',
];

/** Fixtures as families, for protobuf. */
const parsed: readonly (readonly Family[])[] = textBodies.map((body) => toFamilies(body));
const delimitedBodies = parsed.map((each) => encodeDelimited(each));

interface Seen {
  readonly kind: 'samples' | 'refused';
  readonly samples: readonly object[];
}

/** All that a reader shows, or that it refuses; samples before an error do not count. */
function read(kind: 'text' | 'delimited', pieces: readonly Buffer[]): Seen {
  const samples: object[] = [];
  const sink: SampleSink = {
    visit(sample) {
      const labels = labelNames.map((name) => sample.label(name));
      samples.push({ family: sample.family, value: sample.value, timestampMs: sample.timestampMs, labels });
      return noRow;
    },
    add() {
      throw new Error('nothing was remembered');
    },
    needsValue: () => true,
  };
  const reader = kind === 'text' ? new TextReader(families, sink) : new DelimitedReader(families, sink);
  try {
    for (const piece of pieces) reader.write(piece);
    const { hasOtherFamilies } = reader.end();
    return { kind: 'samples', samples: [...samples, { hasOtherFamilies }] };
  } catch (error) {
    if (!(error instanceof ExpositionError)) throw error;
    return { kind: 'refused', samples: [] };
  }
}

function reads(kind: 'text' | 'delimited', bodies: readonly Buffer[], more: readonly string[]): FuzzTarget {
  return {
    name: `exposition/${kind === 'text' ? 'text' : 'protobuf'}.ts: a body in pieces is the body in one`,
    make: (random) => mutate(random, random.of(bodies), more, bodies),
    check(input, random) {
      const whole = read(kind, [input]);
      // Copies, whose memory is not needed any more when the reader returns.
      const pieces = random.cut(input).map((piece) => Buffer.from(piece));
      if (!isDeepStrictEqual(read(kind, pieces), whole)) throw new Error('the samples differ by how the body was cut');
      return whole.kind === 'samples';
    },
  };
}

/** Text as families, as far as the writer of protobuf can have them. */
function toFamilies(body: Buffer): Family[] {
  const all = new Map<string, { type: Family['type']; samples: FamilySample[] }>();
  const types = new Map<string, string>();
  for (const line of body.toString('latin1').split('\n')) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type !== null) types.set(type[1] ?? '', type[2] ?? '');
    const found = /^([a-z_0-9]+)(?:\{(.*)\})? (\S+)(?: (\d+))?$/.exec(line);
    if (found === null) continue;
    const [, name = '', labelText = '', value = '', time] = found;
    if (types.get(name) !== 'counter' && types.get(name) !== 'gauge') continue;
    const labels = Object.fromEntries(
      [...labelText.matchAll(/([a-z_0-9]+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', text = '']) => [key, text]),
    );
    const family = all.get(name) ?? { type: types.get(name) as Family['type'], samples: [] };
    all.set(name, family);
    const number = value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value);
    family.samples.push({ labels, value: number, ...(time === undefined ? {} : { timestampMs: Number(time) }) });
  }
  return [...all].map(([name, { type, samples }]) => ({ name, help: 'help', type, samples }));
}

/** One answer after the other of one node, each with something that is otherwise. */
function sequence(random: Random, base: readonly Family[], identity: readonly string[]): Family[][] {
  const answers: Family[][] = [];
  let families = base.map((family) => ({ ...family, samples: [...family.samples] }));
  for (let count = 2 + random.below(4); count > 0; count -= 1) {
    families = families.map((family) => ({
      ...family,
      samples: random.once(3) ? changed(random, family.samples, identity) : family.samples,
    }));
    answers.push(families);
  }
  return answers;
}

const values = [0, -1, 1e300, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 64, 5e-324, 1];
const times = [undefined, 0, nowMs, nowMs - 700_000, nowMs + 1_000, 2 ** 53, -62_135_596_800_000];

/** @param identity labels that distinguish samples. */
function changed(random: Random, samples: readonly FamilySample[], identity: readonly string[]): FamilySample[] {
  const all = [...samples];
  for (let count = random.small(6); count > 0 && all.length > 0; count -= 1) {
    const at = random.below(all.length);
    const sample = all[at] as FamilySample;
    switch (random.below(7)) {
      case 0:
        all.splice(at, 1);
        break;
      case 1:
        all.splice(at, 0, sample);
        break;
      case 2:
        all[at] = { ...sample, value: random.of(values) };
        break;
      case 3: {
        const { timestampMs: _, ...rest } = sample;
        const timestampMs = random.of(times);
        all[at] = timestampMs === undefined ? rest : { ...rest, timestampMs };
        break;
      }
      case 4: {
        // The labels of another row.
        all[at] = { ...sample, labels: random.of(all).labels };
        break;
      }
      case 5: {
        const key = random.of(identity);
        all[at] = {
          ...sample,
          labels: { ...sample.labels, [key]: random.of(['', 'x', '/', 'total', sample.labels['id'] ?? '']) },
        };
        break;
      }
      default:
        all[at] = { ...sample, value: sample.value + random.below(1_000) };
    }
  }
  return all;
}

/** The batch as points, or the kind of refusal: at which byte it was refused depends on the pieces. */
function decode(decoder: Decoder, contentType: string, pieces: readonly Buffer[], atMs: number): object {
  const decoding = decoder.begin(contentType);
  if (decoding === undefined) throw new Error(`unknown content type ${contentType}`);
  for (const piece of pieces) if (!decoding.write(piece)) break;
  const decoded = decoding.finish(answerTime(atMs, atMs));
  return decoded.kind === 'batch' ? { ...decoded, batch: toPoints(decoded.batch) } : { kind: decoded.kind };
}

function decodes(name: string, identity: readonly string[], makeDecoder: () => Decoder): FuzzTarget[] {
  return [
    {
      name: `scrape/${name}.ts: what was recognised by the last answer is what text says`,
      // What is to be decoded is made in check: it is no bytes.
      make: (random) => random.bytes(4),
      limitMs: 3_000,
      check(input) {
        const random = new Random(input.toString('hex'));
        const base = random.of(parsed);
        const recognising = makeDecoder();
        const plain = makeDecoder();
        let accepted = false;
        for (const [at, families] of sequence(random, base, identity).entries()) {
          const atMs = nowMs + at * 15_000;
          const fast = decode(recognising, delimitedContentType, random.cut(encodeDelimited(families)), atMs);
          const slow = decode(plain, textContentType, [encodeText(families)], atMs);
          if (!isDeepStrictEqual(fast, slow))
            throw new Error(`answer ${at} differs by its format: ${difference(fast, slow)}`);
          accepted ||= 'batch' in fast;
        }
        return accepted;
      },
    },
    {
      name: `scrape/${name}.ts: a harmed answer after a whole one`,
      make: (random) => mutate(random, random.of(delimitedBodies), words, delimitedBodies),
      limitMs: 2_000,
      check(input, random) {
        const decoder = makeDecoder();
        const other = makeDecoder();
        const [first] = [random.of(delimitedBodies)];
        for (const each of [decoder, other]) decode(each, delimitedContentType, [first], nowMs);
        // Recognised from the answer before, in pieces and in one.
        const inPieces = decode(decoder, delimitedContentType, random.cut(input), nowMs + 15_000);
        const whole = decode(other, delimitedContentType, [input], nowMs + 15_000);
        if (!isDeepStrictEqual(inPieces, whole))
          throw new Error(`the batches differ by how the body was cut: ${difference(inPieces, whole)}`);
        // The next whole answer is read as ever.
        const next = decode(decoder, delimitedContentType, [first], nowMs + 30_000);
        if (!isDeepStrictEqual(next, decode(other, delimitedContentType, [first], nowMs + 30_000))) {
          throw new Error('the answer after it differs by how the body was cut');
        }
        return 'batch' in whole;
      },
    },
  ];
}

/** The first lines that differ. */
function difference(fast: object, slow: object): string {
  const [a, b] = [fast, slow].map((each) =>
    inspect(each, { depth: 9, maxArrayLength: null, maxStringLength: 200 }).split('\n'),
  );
  const at = a?.findIndex((line, index) => line !== b?.[index]) ?? 0;
  return `${a?.slice(Math.max(0, at - 3), at + 3).join('\n')}\nand\n${b?.slice(Math.max(0, at - 3), at + 3).join('\n')}`;
}

export const targets: readonly FuzzTarget[] = [
  reads('text', textBodies, words),
  reads('delimited', delimitedBodies, words),
  // A cgroup's other labels are looked at when it comes, and not again.
  ...decodes('cadvisor', ['id', 'cpu'], () => createDecoder(cadvisor, 'node')),
  ...decodes('resource', labelNames, () => createDecoder(resource, 'node')),
];
