/** The fast path has the same batch as the slow path: over layouts that change, in chunks of any size. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { toPoints } from '../../../src/sample/batch.ts';
import { quantity } from '../../../src/sample/quantities.ts';
import { cadvisor } from '../../../src/decode/cadvisor/cadvisor.ts';
import { createDecoder, type Decoder, type DecoderOptions } from '../../../src/decode/decoder.ts';
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
import { hexId, uuid } from '../../fakes/kubeletmodel.ts';
import { cadvisorDecoder } from './decodewhole.ts';

const startMs = 1_795_377_600_000;
const stepMs = 15_000;

type Labels = Readonly<Record<string, string>>;

const blank = { container: '', id: '/', image: '', name: '', namespace: '', pod: '' };

function podOf(name: string, uid = uuid(name)) {
  const path = `/kubepods.slice/kubepods-pod${uid.replaceAll('-', '_')}.slice`;
  const inPod = { ...blank, namespace: 'shop', pod: name };
  const container = (of: string, id: string): Labels => ({
    ...inPod,
    container: of,
    id: `${path}/cri-containerd-${hexId(id)}.scope`,
    image: `${of}:1`,
    name: hexId(id),
  });
  return {
    container,
    own: { ...inPod, id: path },
    sandbox: { ...inPod, id: `${path}/cri-containerd-${hexId(name)}.scope` },
  };
}

const web = podOf('web-0');
const db = podOf('db-0');
const again = podOf('web-0', uuid('web-0 again'));
/** The cgroups that a node may have; all but the first few come and go. */
const cgroups: readonly Labels[] = [
  blank,
  { ...blank, id: '/kubepods.slice' },
  web.own,
  web.sandbox,
  web.container('app', 'app 1'),
  web.container('proxy', 'proxy 1'),
  // The same length as the one before it, as containers that are started anew have.
  web.container('app', 'app 2'),
  db.own,
  db.container('db', 'db 1'),
  db.container('db', 'db 2'),
  again.container('app', 'app 3'),
  // Below a container, by a tenant's hand.
  { ...web.container('app', 'app 1'), id: `${web.container('proxy', 'proxy 1')['id']}/${hexId('app 1')}` },
  { ...blank, id: `${web.own.id}/cri-containerd-${hexId('unlabelled')}.scope` },
  { ...blank, namespace: 'shop', pod: 'gvisor', id: podOf('gvisor').own.id },
];
const firstThere = 6;

const odd = {
  nothing: undefined,
  zero: 0,
  impossible: 2 ** 62,
  NaN: Number.NaN,
} as const;

/** An oddity of one row in one step, beside that it is there or not. */
const oddity = fc.record({
  row: fc.nat(cgroups.length - 1),
  what: fc.constantFrom('cpu', 'memory', 'swap', 'start', 'time', 'no time', 'twice', 'partly'),
  value: fc.constantFrom(...Object.values(odd)),
  ageMs: fc.constantFrom(100_000, 30_000, -3_000, -60_000),
});
type Oddity = typeof oddity extends fc.Arbitrary<infer T> ? T : never;

const step = fc.record({
  toggled: fc.oneof(
    { weight: 3, arbitrary: fc.constant<number[]>([]) },
    fc.array(fc.nat(cgroups.length - 1), { maxLength: 3 }),
  ),
  odd: fc.oneof({ weight: 2, arbitrary: fc.constant<Oddity[]>([]) }, fc.array(oddity, { maxLength: 2 })),
  scrapeError: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.constant(1)),
  machineSwap: fc.constantFrom(undefined, 0, 0, 1e9),
  isCut: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const steps = fc.array(step, { minLength: 2, maxLength: 12 });
const pieces = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 });

test('fast path and slow path agree on /metrics/cadvisor', () => {
  check(
    (list) => cadvisorBodies(list, 'total'),
    (options) => createDecoder(cadvisor, 'node-1', options),
  );
});

test('fast path and slow path agree on /metrics/cadvisor of a kubelet that reports each core, before 1.16', () => {
  check(
    (list) => cadvisorBodies(list, 'cpu00'),
    (options) => createDecoder(cadvisor, 'node-1', options),
  );
});

test('fast path and slow path agree on /metrics/resource', () => {
  check(resourceBodies, (options) => createDecoder(resource, 'node-1', options));
});

/** Start times do not change here: a request without them does not show that they have. */
test('a body without constants has the batch of a whole one', () => {
  const filtered = cadvisor.families;
  checkBrief(
    (each) => each,
    (families) => families.filter(({ name }) => filtered.includes(name)),
    (families) => families.filter(({ name }) => filtered.includes(name) && name !== quantity.start.cadvisor),
  );
});

/** Nor do the families at the end of the body. */
test('a body that is read up to the families that change has the batch of a whole one', () => {
  checkBrief(
    (each) => ({ ...each, scrapeError: 0, machineSwap: 0, odd: each.odd.filter(({ what }) => what !== 'swap') }),
    (families) => families,
    (families) => families,
  );
});

/** @param whole what the kubelet answers to the whole question, and to the brief one. */
function checkBrief(
  quiet: (step: Step) => Step,
  whole: (families: Family[]) => Family[],
  brief: (families: Family[]) => Family[],
): void {
  const outcomes = { short: 0, again: 0 };
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 25 }), pieces, (list, lengths) => {
      const recognising = cadvisorDecoder();
      const plain = cadvisorDecoder();
      const unmoved = list.map((each) => quiet({ ...each, odd: each.odd.filter(({ what }) => what !== 'start') }));
      for (const [index, families] of cadvisorBodies(unmoved, 'total').entries()) {
        const nodeTimeMs = startMs + index * stepMs;
        const wanted = feed(plain, encodeText(whole(families)), textContentType, lengths)(nodeTimeMs);
        const result = recognising.settled
          ? feed(recognising, encodeDelimited(brief(families)), delimitedContentType, lengths, true)(nodeTimeMs)
          : undefined;
        const isShort = result !== undefined && result.kind !== 'too-brief';
        if (result !== undefined) outcomes[isShort ? 'short' : 'again'] += 1;
        const found = isShort
          ? result
          : feed(recognising, encodeDelimited(whole(families)), delimitedContentType, lengths)(nodeTimeMs);
        assert.deepEqual(found, wanted, `step ${index}`);
      }
    }),
    { numRuns: 200 },
  );
  assert.ok(outcomes.short > 40 && outcomes.again > 40, JSON.stringify(outcomes));
}

function check(bodiesOf: (list: readonly Step[]) => Family[][], create: (options?: DecoderOptions) => Decoder): void {
  fc.assert(
    fc.property(steps, pieces, (list, lengths) => {
      const recognising = create();
      const slow = create({ fastPath: false });
      // In text no series is matched by position.
      const plain = create();
      for (const [index, families] of bodiesOf(list).entries()) {
        const nodeTimeMs = startMs + index * stepMs;
        const delimited = encodeDelimited(families);
        // The sender broke off, and the body was never finished.
        if (list[index]?.isCut === true)
          feed(recognising, delimited.subarray(0, delimited.length / 2), delimitedContentType, lengths);
        const result = feed(recognising, delimited, delimitedContentType, lengths)(nodeTimeMs);
        assert.deepEqual(feed(slow, delimited, delimitedContentType, lengths)(nodeTimeMs), result, `step ${index}`);
        assert.equal(slow.settled, false);
        assert.deepEqual(
          result,
          feed(plain, encodeText(families), textContentType, lengths)(nodeTimeMs),
          `step ${index}`,
        );
      }
    }),
    { numRuns: 100 },
  );
}

/** Gives the body in pieces whose memory is then used for something else, and returns what ends it. */
function feed(
  decoder: Decoder,
  body: Buffer,
  contentType: string,
  lengths: readonly number[],
  brief = false,
): (nodeTimeMs: number) => { readonly kind: string } {
  const decoding = decoder.begin(contentType, brief);
  assert.ok(decoding);
  const memory = Buffer.alloc(1024, 0xff);
  for (let at = 0, turn = 0; at < body.length; turn += 1) {
    const length = Math.min(lengths[turn % lengths.length] ?? 1, body.length - at);
    body.copy(memory, turn % 8, at, at + length);
    decoding.write(memory.subarray(turn % 8, (turn % 8) + length));
    memory.fill(0xff);
    at += length;
  }
  return (nodeTimeMs) => {
    const decoded = decoding.finish(answerTime(nodeTimeMs, nodeTimeMs));
    if (decoded.kind !== 'batch') return decoded;
    const { pods, ...batch } = toPoints(decoded.batch);
    const key = ({ name, uid }: { name: string; uid: string | undefined }) => `${name} ${uid}`;
    const sorted = pods
      .map((pod) => ({ ...pod, containers: pod.containers.toSorted((a, b) => (a.name < b.name ? -1 : 1)) }))
      .sort((a, b) => (key(a) < key(b) ? -1 : 1));
    return {
      ...decoded,
      doubts: decoded.doubts && { ...decoded.doubts, pods: decoded.doubts.pods.map(({ name }) => name).sort() },
      batch: { ...batch, pods: sorted },
    };
  };
}

interface Row {
  readonly labels: Labels;
  readonly cpu: number | undefined;
  readonly memory: number | undefined;
  readonly swap: number | undefined;
  readonly start: number | undefined;
  readonly timestampMs: number | undefined;
}

/** The rows of each step, in the order in which a kubelet would send them. */
function rowsOf(list: readonly Step[]): Row[][] {
  const there = new Set(Array.from({ length: firstThere }, (_, index) => index));
  return list.map(({ toggled, odd: oddities }, index) => {
    for (const row of toggled) if (!there.delete(row)) there.add(row);
    return [...there].sort((a, b) => a - b).flatMap((place) => rowsOfCgroup(place, index, oddities));
  });
}

function rowsOfCgroup(place: number, index: number, oddities: readonly Oddity[]): Row[] {
  const nowMs = startMs + index * stepMs;
  let row: Row = {
    labels: cgroups[place] ?? blank,
    cpu: 10 + index + place / 7,
    memory: 1e6 + index * 4096 + place,
    swap: 0,
    start: startMs / 1000 - 1000 - place,
    // Not every sample is new.
    timestampMs: nowMs - 2_000 - place * 10 - (index % 3 === 2 ? stepMs : 0),
  };
  let times = 1;
  for (const { row: of, what, value, ageMs } of oddities) {
    if (of !== place) continue;
    if (what === 'time') row = { ...row, timestampMs: nowMs - ageMs };
    else if (what === 'no time') row = { ...row, timestampMs: undefined };
    else if (what === 'twice') times = 2;
    else if (what === 'partly') row = { ...row, labels: { ...row.labels, namespace: '' } };
    else row = { ...row, [what]: value };
  }
  return Array.from({ length: times }, (_, time) => ({
    ...row,
    cpu: row.cpu === undefined ? undefined : row.cpu + time,
  }));
}

function cadvisorBodies(list: readonly Step[], cpu: 'total' | 'cpu00'): Family[][] {
  return rowsOf(list).map((rows, index) => {
    const { scrapeError = 0, machineSwap } = list[index] ?? {};
    return [
      family(
        'container_cpu_usage_seconds_total',
        rows,
        (row) => row.cpu,
        () => ({ cpu }),
      ),
      family('container_memory_cache', rows, () => 5),
      family('container_memory_swap', rows, (row) => row.swap),
      family('container_memory_working_set_bytes', rows, (row) => row.memory),
      plain('container_scrape_error', scrapeError),
      family('container_start_time_seconds', untimed(rows), (row) => row.start),
      ...(machineSwap === undefined ? [] : [plain('machine_swap_bytes', machineSwap)]),
    ];
  });
}

function resourceBodies(list: readonly Step[]): Family[][] {
  return rowsOf(list).map((all) => {
    const rows = all
      .filter(({ labels }) => labels['container'] !== '')
      .map((row) => ({ ...row, labels: only(row.labels, 'container', 'namespace', 'pod') }));
    const machine = all.filter(({ labels }) => labels['id'] === '/').map((row) => ({ ...row, labels: {} }));
    return [
      family('container_cpu_usage_seconds_total', rows, (row) => row.cpu),
      family('container_memory_working_set_bytes', rows, (row) => row.memory),
      family('container_start_time_seconds', untimed(rows), (row) => row.start),
      family('container_swap_usage_bytes', rows, (row) => row.swap),
      family('node_cpu_usage_seconds_total', machine, (row) => row.cpu),
      family('node_memory_working_set_bytes', machine, (row) => row.memory),
    ];
  });
}

function family(
  name: string,
  rows: readonly Row[],
  valueOf: (row: Row) => number | undefined,
  more: (row: Row) => Labels = () => ({}),
): Family {
  const samples = rows.flatMap((row): FamilySample[] => {
    const value = valueOf(row);
    if (value === undefined) return [];
    const time = row.timestampMs === undefined ? {} : { timestampMs: row.timestampMs };
    return [{ labels: { ...row.labels, ...more(row) }, value, ...time }];
  });
  return { name, help: name, type: name.endsWith('_total') ? 'counter' : 'gauge', samples };
}

function plain(name: string, value: number): Family {
  return { name, help: name, type: 'gauge', samples: [{ labels: {}, value }] };
}

function untimed(rows: readonly Row[]): Row[] {
  return rows.map((row) => ({ ...row, timestampMs: undefined }));
}

function only(labels: Labels, ...names: readonly string[]): Labels {
  return Object.fromEntries(names.map((name) => [name, labels[name] ?? '']));
}
