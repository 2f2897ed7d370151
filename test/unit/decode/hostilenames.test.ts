/** A name that no object can have, from one kubelet, is dropped where it is decoded, and so makes no snapshot unreadable. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { idLimit, nameLimit } from '../../../src/sample/point.ts';
import { readSnapshot, writeSnapshot } from '../../../src/storage/snapshot.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { encodeFamilies, type Family, type FamilySample } from '../../fakes/exposition.ts';
import { createPointStorage } from '../storage/pointstorage.ts';
import { decodeCadvisor, decodeResource } from './decodewhole.ts';

const startMs = 1_795_000_000_000;
const uid = '3a2d7564-baee-4918-9ebc-7b65084aabd1';
const id = 'e'.repeat(64);

interface Labels {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly id: string;
}

const good: Labels = { namespace: 'shop', pod: 'web-0', container: 'app', id: `/kubepods/pod${uid}/${id}` };

const hostile: readonly (readonly [what: string, labels: Partial<Labels>])[] = [
  ...['\n', '\0', '\u0007', '\u001b[2J', '\u007f', '\u0085', '\u009b'].map(
    (text) => [`a control character ${JSON.stringify(text)}`, { pod: `a${text}b` }] as const,
  ),
  ['a control character in a namespace', { namespace: 'a\tb' }],
  ['a control character in a container', { container: 'a\tb' }],
  ['a pod of 254 characters', { pod: 'a'.repeat(nameLimit + 1) }],
  ['a namespace of 254 characters', { namespace: 'a'.repeat(nameLimit + 1) }],
  ['a container of 12,000 characters', { container: 'a'.repeat(12_000) }],
  ['a slash', { pod: 'a/b' }],
  ['a slash in a namespace', { namespace: 'a/b' }],
];
/** Only cAdvisor has them. */
const hostilePaths: readonly (readonly [what: string, labels: Partial<Labels>])[] = [
  ['a path that is too long', { pod: 'path', id: `/${'a'.repeat(idLimit - 2)}` }],
  ['a path with a control character', { pod: 'path', id: '/a\u0001b' }],
];

function body(endpoint: 'cadvisor' | 'resource', list: readonly Labels[], atMs: number, protobuf: boolean) {
  const samples = (value: number): FamilySample[] =>
    list.map(({ id: path, ...labels }) => ({
      labels: endpoint === 'cadvisor' ? { ...labels, id: path } : labels,
      value,
      timestampMs: atMs,
    }));
  const family = (name: string, value: number): Family => ({ name, help: '', type: 'gauge', samples: samples(value) });
  return encodeFamilies(
    [
      family('container_cpu_usage_seconds_total', (atMs - startMs) / 10_000 + 1),
      family('container_memory_working_set_bytes', 5_000_000),
    ],
    protobuf,
  );
}

for (const endpoint of ['cadvisor', 'resource'] as const) {
  for (const protobuf of [false, true]) {
    describe(`/metrics/${endpoint} as ${protobuf ? 'protobuf' : 'text'}`, () => {
      for (const [what, labels] of endpoint === 'cadvisor' ? [...hostile, ...hostilePaths] : hostile) {
        test(`${what} is dropped, and the snapshot can be read`, async () => {
          const clock = createFakeClock(startMs);
          const storage = createPointStorage({ clock, resolutionMs: 15_000, stalenessMs: 45_000 });
          const other = { ...good, id: `/kubepods/pod${uid.replace('3a', '4b')}/${'f'.repeat(64)}`, ...labels };
          for (let scrape = 0; scrape < 3; scrape += 1) {
            const { contentType, bytes } = body(endpoint, [good, other], clock.wallMs(), protobuf);
            const decode = endpoint === 'cadvisor' ? decodeCadvisor : decodeResource;
            const result = decode(bytes, contentType, { node: 'node-a', nodeTimeMs: clock.wallMs() });
            if (result.kind !== 'batch') assert.fail(JSON.stringify(result));
            assert.deepEqual(
              result.batch.pods.map(({ namespace, name }) => `${namespace}/${name}`),
              ['shop/web-0'],
            );
            storage.store(result.batch);
            await clock.advance(15_000);
          }
          const now = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
          const text = [...writeSnapshot(storage.states(), now)].join('');
          const [[, node] = assert.fail()] = readSnapshot(text, now, 60_000).nodes;
          assert.equal(node.pods.length, 1);
        });
      }
    });
  }
}

test('names and paths of every length that is allowed are stored, and make a snapshot that can be read', async () => {
  const clock = createFakeClock(startMs);
  const storage = createPointStorage({ clock, resolutionMs: 15_000, stalenessMs: 45_000 });
  const name = 'n'.repeat(nameLimit);
  const longest = { namespace: name, pod: name, container: name, id: `/${'a'.repeat(idLimit - 3)}` };
  for (const labels of [longest, { ...longest, id: good.id }]) {
    const { contentType, bytes } = body('cadvisor', [labels], clock.wallMs(), true);
    const result = decodeCadvisor(bytes, contentType, { node: 'node-a', nodeTimeMs: clock.wallMs() });
    if (result.kind !== 'batch') assert.fail(JSON.stringify(result));
    assert.equal(result.batch.pods.length, 1);
    storage.store(result.batch);
    const now = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    readSnapshot([...writeSnapshot(storage.states(), now)].join(''), now, 60_000);
    await clock.advance(15_000);
  }
});
