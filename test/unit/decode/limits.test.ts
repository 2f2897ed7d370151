/** Answers that hold more than a kubelet has to say are refused, and what is just below the limits costs in proportion to its length. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { containerLimit, namesakeLimit, rowLimit, sampleLimit, textLimit } from '../../../src/decode/limits.ts';
import { parseCgroup } from '../../../src/decode/cadvisor/cgroup.ts';
import { createRowNumbersPool } from '../../../src/decode/rownumbers.ts';
import { select } from '../../../src/decode/cadvisor/select.ts';
import {
  delimitedContentType,
  encodeDelimited,
  encodeText,
  type FamilySample,
  textContentType,
} from '../../fakes/exposition.ts';
import { cadvisorDecoder, decodeCadvisor, decodeResource, resourceDecoder, type DecodedPoints } from './decodewhole.ts';
import { cpuMsOf } from '../../fakes/cputime.ts';

const nodeTimeMs = 1_795_377_600_000;
const context = { node: 'node-1', nodeTimeMs };
const forms = {
  protobuf: { contentType: delimitedContentType, encode: encodeDelimited },
  text: { contentType: textContentType, encode: encodeText },
} as const;

type Labels = Readonly<Record<string, string>>;

const uidOf = (pod: number) => `${pod.toString(16).padStart(8, '0')}-99f7-409a-90ec-6fe07ee9cb11`;
const idOf = (index: number) => index.toString(16).padStart(64, '0');

/** @param pod whose pod it is, by its UID; its name is the same unless it is given. */
const container = (index: number, pod = 0, name = `c${index}`, podName = 'web'): Labels => ({
  container: name,
  id: `/kubepods/pod${uidOf(pod)}/${idOf(index)}`,
  image: 'image',
  name: `n${index}`,
  namespace: 'shop',
  pod: podName,
});

/** The memory of the machine and of these. */
function memoryOf(rows: Iterable<Labels>, family: 'container_memory_working_set_bytes') {
  const samples: FamilySample[] = [{ labels: { id: '/' }, value: 1e9, timestampMs: nodeTimeMs }];
  for (const labels of rows) samples.push({ labels, value: 1e6, timestampMs: nodeTimeMs });
  const cpu = { name: 'container_cpu_usage_seconds_total', help: 'help', type: 'counter' as const };
  return [
    { ...cpu, samples: [{ labels: { id: '/' }, value: 1e3, timestampMs: nodeTimeMs }] },
    { name: family, help: 'help', type: 'gauge' as const, samples },
  ];
}

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));

function refuses(result: DecodedPoints, reason: RegExp): void {
  assert.equal(result.kind, 'too-long', JSON.stringify(result).slice(0, 200));
  assert.match('reason' in result ? result.reason : '', reason);
}

for (const [form, { contentType, encode }] of Object.entries(forms)) {
  const cadvisor = (rows: Iterable<Labels>, decoder = cadvisorDecoder()) =>
    decodeCadvisor(encode(memoryOf(rows, 'container_memory_working_set_bytes')), contentType, { ...context, decoder });

  describe(`in cAdvisor's ${form},`, () => {
    test('as many containers as the limit are decoded', () => {
      const result = cadvisor(times(containerLimit, (index) => container(index, index, 'app', `web-${index}`)));
      assert.equal(result.kind, 'batch', JSON.stringify(result).slice(0, 200));
    });

    test('more containers are refused', () => {
      refuses(cadvisor(times(containerLimit + 1, (index) => container(index))), /^more than 5000 containers$/);
    });

    test('more rows are refused, and the next body is decoded', () => {
      const decoder = cadvisorDecoder();
      const leaked = times(rowLimit + 1, (index) => ({ id: `/system.slice/leaked-${index}` }));
      refuses(cadvisor(leaked, decoder), /^more than 32768 rows$/);
      assert.equal(cadvisor([container(1)], decoder).kind, 'batch');
    });

    test('rows that change with each body do not add up', () => {
      const decoder = cadvisorDecoder();
      for (let answer = 0; answer < 8; answer += 1) {
        const rows = times(rowLimit / 4, (index) => ({ id: `/system.slice/run-${answer}-${index}.scope` }));
        assert.equal(cadvisor(rows, decoder).kind, 'batch');
      }
    });

    test('more samples are refused, whatever their series', () => {
      refuses(cadvisor(times(sampleLimit + 1, () => ({ id: '/' }))), /^more than 131072 samples/);
    });

    test('more pods without containers are refused', () => {
      const pods = times(containerLimit + 1, (index) => ({
        id: `/pod${index}`,
        namespace: 'shop',
        pod: `web-${index}`,
      }));
      refuses(cadvisor(pods), /^more than 5000 pods without a container that uses anything$/);
    });

    test('more pods of one name are refused', () => {
      refuses(
        cadvisor(times(namesakeLimit + 1, (index) => container(index, index))),
        /^more than 64 pods of one name$/,
      );
    });

    test('more text is refused', () => {
      const folder = 'x'.repeat(4_000);
      refuses(
        cadvisor(times(Math.ceil(textLimit / 4_000) + 1, (index) => ({ id: `/${folder}/${index}` }))),
        /characters of labels$/,
      );
    });

    test('a label that is longer than any cgroup path is malformed', () => {
      const result = cadvisor([{ id: `/${'x'.repeat(20_000)}` }]);
      assert.equal(result.kind, 'malformed');
      assert.match('reason' in result ? result.reason : '', /a label of more than 12288 bytes/);
    });

    test('rows of one path with different names are distinguished in time proportional to their number', () => {
      const rows = times(30_000, (index) => ({ id: '/one', namespace: `shop-${index}` }));
      // Each compared with each other: more than a minute.
      const tookMs = cpuMsOf(() => assert.equal(cadvisor([...rows, ...rows]).kind, 'batch'));
      assert.ok(tookMs < 20_000, `${tookMs} ms`);
    });
  });

  describe(`in the ${form} of /metrics/resource,`, () => {
    const resource = (rows: Iterable<Labels>) =>
      decodeResource(encode(memoryOf(rows, 'container_memory_working_set_bytes')), contentType, {
        ...context,
        decoder: resourceDecoder(),
      });
    const named = (pod: string, name: string): Labels => ({ namespace: 'shop', pod, container: name });

    test('more containers are refused', () => {
      const both = ['container_cpu_usage_seconds_total', 'container_memory_working_set_bytes'] as const;
      const samples = times(containerLimit + 1, (index) => ({
        labels: named('web', `c${index}`),
        value: 5,
        timestampMs: nodeTimeMs,
      }));
      const families = both.map((name) => ({ name, help: 'help', type: 'gauge' as const, samples }));
      refuses(decodeResource(encode(families), contentType, context), /^more than 5000 containers$/);
    });

    test('more lines of one container are refused', () => {
      refuses(resource(times(namesakeLimit + 2, () => named('web', 'app'))), /^more than 64 lines of one container$/);
    });

    test('more lines of containers in all are refused', () => {
      const rows = times(4_200, (index) => named('web', `c${index >> 1}`));
      assert.equal(resource(rows).kind, 'batch');
      refuses(
        resource(times(9_000, (index) => named('web', `c${index >> 1}`))),
        /^more than 4096 lines of containers that have one already$/,
      );
    });

    test('more rows are refused', () => {
      refuses(resource(times(rowLimit + 1, (index) => named(`web-${index}`, 'app'))), /^more than 32768 rows$/);
    });
  });
}

test('a buffer for many rows is not kept for the bodies of other nodes', () => {
  const pool = createRowNumbersPool();
  const large = pool.take(1);
  large.add(100_000, 0, { value: 1, timestampMs: 1 });
  pool.giveBack(large);
  assert.notEqual(pool.take(1), large);
  const usual = pool.take(1);
  usual.add(100, 0, { value: 1, timestampMs: 1 });
  pool.giveBack(usual);
  assert.equal(pool.take(1), usual);
});

test('the containers of one pod are chosen in time proportional to their number', () => {
  const candidates = times(30_000, (index) => {
    const { namespace = '', pod = '', id = '' } = container(index);
    const cgroup = parseCgroup(id);
    const { containerId } = cgroup;
    const point = { name: `c${index}`, containerId, startTimeMs: 1, timestampMs: nodeTimeMs, cpuSeconds: 1 };
    return {
      namespace,
      pod,
      path: id,
      cgroup,
      hasCpu: true,
      point: { ...point, memoryBytes: 1 },
    };
  });
  // Each compared with each other: some ten seconds.
  const tookMs = cpuMsOf(() =>
    assert.equal(select(candidates, nodeTimeMs).pods[0]?.containers.length, candidates.length),
  );
  assert.ok(tookMs < 4_000, `${tookMs} ms`);
});
