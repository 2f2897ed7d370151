/** When the decoder takes the fast path, and that its batch then has everything that the body has. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toPoints } from '../../../src/sample/batch.ts';
import { cadvisor } from '../../../src/decode/cadvisor/cadvisor.ts';
import type { DecodeResult } from '../../../src/decode/bodydecoding.ts';
import { createDecoder } from '../../../src/decode/decoder.ts';
import { resource } from '../../../src/decode/resource/resource.ts';
import { answerTime } from '../../../src/decode/sampletime.ts';
import { delimitedContentType, encodeDelimited, type Family, type FamilySample } from '../../fakes/exposition.ts';

const nowMs = 1_795_377_600_000;
const time = answerTime(nowMs, nowMs);
const uid = '66bbaa5b-bd35-4f20-902f-f9e469f6c321';
const podPath = `/kubepods/pod${uid}`;

interface Row {
  readonly labels: FamilySample['labels'];
  /** Undefined where the row is missing, as cAdvisor leaves it out while nothing was used. */
  readonly cpu: number | undefined;
  readonly memory: number;
}

const machine: Row = { labels: { id: '/' }, cpu: 100, memory: 1000 };
const slice: Row = { labels: { id: '/system.slice/kubelet.service' }, cpu: 1, memory: 1 };
const pod: Row = { labels: { id: podPath, namespace: 'shop', pod: 'web' }, cpu: 1, memory: 1 };

/** @param letter a hex digit, of which the container's ID is made. */
function container(letter: string, cpu: number | undefined, memory = 10): Row {
  const id = letter.repeat(64);
  const labels = { id: `${podPath}/${id}`, container: `app-${letter}`, namespace: 'shop', pod: 'web' };
  return { labels, cpu, memory };
}

function families(rows: readonly Row[], { cpu = 'total', scrapeError = 0 } = {}): Family[] {
  const family = (name: string, samples: readonly FamilySample[]): Family => ({
    name,
    help: '',
    type: 'gauge',
    samples,
  });
  return [
    family(
      'container_cpu_usage_seconds_total',
      rows.flatMap(({ labels, cpu: value }) =>
        value === undefined ? [] : { labels: cpu === '' ? labels : { ...labels, cpu }, value, timestampMs: nowMs },
      ),
    ),
    family(
      'container_memory_working_set_bytes',
      rows.map(({ labels, memory: value }) => ({ labels, value, timestampMs: nowMs })),
    ),
    family('container_scrape_error', [{ labels: {}, value: scrapeError }]),
  ];
}

function createNode() {
  const decoder = createDecoder(cadvisor, 'node-a');
  return { decoder, decode };

  function decode(of: readonly Family[], { brief = false, after = '' } = {}): DecodeResult {
    const decoding = decoder.begin(delimitedContentType, brief) ?? assert.fail('the content type is known');
    decoding.write(Buffer.concat([encodeDelimited(of), Buffer.from(after)]));
    return decoding.finish(time);
  }
}

/** CPU by container. */
function usagesOf(decoded: DecodeResult): Readonly<Record<string, number>> {
  if (decoded.kind !== 'batch') assert.fail(`${decoded.kind}: ${decoded.reason}`);
  const points = toPoints(decoded.batch).pods.flatMap(({ containers }) => containers);
  return Object.fromEntries(points.map(({ name, cpuSeconds }) => [name, cpuSeconds]));
}

describe('a body', () => {
  test('with a new container has it in its batch', () => {
    const { decode } = createNode();
    for (const cpu of [1, 2]) decode(families([machine, container('a', cpu)]));
    const now = families([machine, container('a', 3), container('b', 4)]);
    assert.deepEqual(usagesOf(decode(now)), { 'app-a': 3, 'app-b': 4 });
  });

  test('with a scrape error is unusable, though it has the rows of the previous one', () => {
    const { decode } = createNode();
    const rows = [machine, container('a', 1)];
    for (let answer = 0; answer < 3; answer += 1) decode(families(rows));
    assert.equal(decode(families(rows, { scrapeError: 1 })).kind, 'unusable');
  });

  test('after one that was too brief is too brief too, and whole once it is requested whole', () => {
    const { decode } = createNode();
    for (const cpu of [1, 2]) decode(families([machine, container('a', cpu)]));
    const now = families([machine, container('a', 3), container('b', 4)]);
    assert.equal(decode(now, { brief: true }).kind, 'too-brief');
    assert.equal(decode(now, { brief: true }).kind, 'too-brief');
    assert.deepEqual(usagesOf(decode(now)), { 'app-a': 3, 'app-b': 4 });
  });

  test('after a broken one is decoded whole', () => {
    const { decode } = createNode();
    for (const cpu of [1, 2]) decode(families([machine, container('a', cpu)]));
    const now = families([machine, container('a', 3), container('b', 4)]);
    assert.equal(decode(now, { after: '\x05' }).kind, 'malformed');
    assert.deepEqual(usagesOf(decode(now)), { 'app-a': 3, 'app-b': 4 });
  });

  test('after one that lacked a container has the numbers of the others', () => {
    const { decode } = createNode();
    const [a, b, c] = ['a', 'b', 'c'].map((letter, index) => (step: number) => container(letter, 10 * index + step));
    assert.ok(a && b && c);
    for (const step of [1, 2]) decode(families([machine, a(step), b(step), c(step)]));
    for (const step of [3, 4, 5]) {
      const result = usagesOf(decode(families([machine, b(step), c(step)])));
      assert.deepEqual(result, { 'app-b': 10 + step, 'app-c': 20 + step });
    }
  });

  test('after one that lacked a row takes the slow path: its rows were renumbered', () => {
    const { decode } = createNode();
    for (const cpu of [1, 2]) decode(families([machine, container('a', cpu), slice]));
    decode(families([machine, container('a', 3)]));
    assert.equal(decode(families([machine, container('a', 4)]), { brief: true }).kind, 'too-brief');
  });
});

test('start times are left out after three bodies by the fast path, also of kubelets that name no CPU', () => {
  for (const cpu of ['total', '']) {
    const { decode, decoder } = createNode();
    const settled = [1, 2, 3, 4].map((step) => {
      decode(families([machine, container('a', step)], { cpu }));
      return decoder.settled;
    });
    assert.deepEqual(settled, [false, false, false, true], cpu);
  }
});

test('a pod with a cgroup and no container that uses anything is doubted', () => {
  const doubted = (rows: readonly Row[]) => {
    const decoded = createNode().decode(families(rows));
    return decoded.kind === 'batch' ? decoded.doubts?.pods : assert.fail(decoded.reason);
  };
  assert.deepEqual(doubted([machine, pod]), [{ namespace: 'shop', name: 'web' }], 'gVisor');
  assert.deepEqual(doubted([machine, pod, container('a', undefined, 0)]), [{ namespace: 'shop', name: 'web' }], 'kata');
  assert.deepEqual(doubted([machine, pod, container('a', 1)]), []);
});

test('a line without memory beside a whole one of /metrics/resource is no second line', () => {
  const labels = { container: 'app', namespace: 'shop', pod: 'web' };
  const sample = (value: number): FamilySample => ({ labels, value, timestampMs: nowMs });
  const decoding = createDecoder(resource, 'node-a').begin(delimitedContentType) ?? assert.fail('it is known');
  const family = (name: string, ...samples: readonly FamilySample[]): Family => ({
    name,
    help: '',
    type: 'gauge',
    samples,
  });
  const body = encodeDelimited([
    family('container_cpu_usage_seconds_total', sample(10), sample(500)),
    family('container_memory_working_set_bytes', sample(1)),
    family('container_start_time_seconds', { labels, value: 1_795_377_000 }),
  ]);
  decoding.write(body);
  const decoded = decoding.finish(time);
  if (decoded.kind !== 'batch') assert.fail(decoded.reason);
  const [point] = toPoints(decoded.batch).pods.flatMap(({ containers }) => containers);
  assert.deepEqual([point?.containerId, point?.cpuSeconds], ['start:1795377000', 10]);
});
