/** Which container a sample is of: by labels of every age, and by the place where it was in the answer before. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  delimitedContentType,
  encodeDelimited,
  encodeText,
  type Family,
  type FamilySample,
  textContentType,
} from '../../../fakes/exposition.ts';
import { cadvisorDecoder, decodeCadvisor } from '../decodewhole.ts';
import { pointsOf } from '../points.ts';

const nodeTimeMs = 1_795_377_600_000;
const uid = '66bbaa5b-bd35-4f20-902f-f9e469f6c321';
const id = `/kubepods/burstable/pod${uid}/${'1'.repeat(64)}`;

type Labels = Readonly<Record<string, string>>;

interface Row {
  readonly labels: Labels;
  readonly cpu: Readonly<Record<string, number>>;
  readonly memory: number;
}

const machine: Row = {
  labels: { container: '', id: '/', image: '', name: '', namespace: '', pod: '' },
  cpu: { total: 1000 },
  memory: 1e9,
};
const app = {
  container: 'app',
  id,
  image: 'app:1',
  name: 'k8s_app',
  namespace: 'shop',
  pod: 'web-0',
} as const satisfies Labels;

/** Decodes bodies that follow each other, in one format. */
function decodeAll(asText: boolean, ...bodies: readonly (readonly Row[])[]) {
  const decoder = cadvisorDecoder();
  return bodies.map((rows) => {
    const families = familiesOf(rows);
    const body = asText ? encodeText(families) : encodeDelimited(families);
    const decoded = decodeCadvisor(body, asText ? textContentType : delimitedContentType, {
      node: 'node-1',
      nodeTimeMs,
      decoder,
    });
    if (decoded.kind !== 'batch') assert.fail(decoded.reason);
    return decoded.batch;
  });
}

function familiesOf(rows: readonly Row[]): Family[] {
  const sample = (labels: Labels, value: number): FamilySample => ({ labels, value, timestampMs: nodeTimeMs - 1_000 });
  return [
    {
      name: 'container_cpu_usage_seconds_total',
      help: '',
      type: 'counter',
      samples: rows.flatMap(({ labels, cpu }) =>
        Object.entries(cpu).map(([core, value]) => sample({ ...labels, cpu: core }, value)),
      ),
    },
    {
      name: 'container_memory_working_set_bytes',
      help: '',
      type: 'gauge',
      samples: rows.map(({ labels, memory }) => sample(labels, memory)),
    },
  ];
}

for (const [format, asText] of [
  ['text', true],
  ['protobuf', false],
] as const) {
  describe(`in ${format}`, () => {
    const usedIn = (...bodies: readonly (readonly Row[])[]) =>
      decodeAll(asText, ...bodies).map((batch) => Object.fromEntries(pointsOf(batch).containers));

    test('CPU of one core is not matched with the total that was at its position', () => {
      const row = (cpu: Row['cpu']): Row => ({ labels: app, cpu, memory: 1 });
      const bodies = [{ total: 100 }, { total: 101 }, { cpu00: 60, cpu01: 42 }, { total: 103 }, { cpu00: 61 }];
      assert.deepEqual(usedIn(...bodies.map((cpu) => [machine, row(cpu)])), [
        { 'shop/web-0/app': [100, 1] },
        { 'shop/web-0/app': [101, 1] },
        { 'shop/web-0/app': [102, 1] },
        { 'shop/web-0/app': [103, 1] },
        { 'shop/web-0/app': [61, 1] },
      ]);
    });

    test('a cgroup is not matched with another one at its position whose path has the same length and end', () => {
      const other = { ...app, id: id.replace('/burstable/', '/guarantee/').replace(uid, uid.replace('66', '77')) };
      const row = (labels: Labels, cpu: number): Row => ({ labels, cpu: { total: cpu }, memory: 1 });
      assert.equal(other.id.length, id.length);
      const batches = decodeAll(
        asText,
        [machine, row(app, 5)],
        [machine, row(app, 6)],
        [machine, row(other, 7)],
        [machine, row(app, 8)],
      );
      assert.deepEqual(
        batches.map(({ pods }) => pods.map((pod) => pod.uid)),
        [[uid], [uid], [uid.replace('66', '77')], [uid]],
      );
    });

    describe('the labels of kubelets before 1.16', () => {
      const { container, pod, ...others } = app;
      const old = { ...others, container_name: container, pod_name: pod };
      const sandbox = { ...old, container_name: 'POD', id: id.replaceAll('1', '2') };
      const ofPod = { ...old, container_name: '', id: id.slice(0, id.lastIndexOf('/')) };
      const all = (labels: Labels, cpu: number): Row => ({ labels, cpu: { total: cpu }, memory: 1e6 });

      test('name a container alone', () => {
        const body = (cpu: number) => [machine, all(old, cpu), all(sandbox, 1), all(ofPod, 9)];
        assert.deepEqual(usedIn(body(5), body(6), body(7)), [
          { 'shop/web-0/app': [5, 1e6] },
          { 'shop/web-0/app': [6, 1e6] },
          { 'shop/web-0/app': [7, 1e6] },
        ]);
      });

      test('name it beside those of today', () => {
        const both = (labels: Labels): Labels => ({
          ...labels,
          container: labels['container_name'] ?? '',
          pod: labels['pod_name'] ?? '',
        });
        const body = (cpu: number) => [machine, all(both(old), cpu), all(both(sandbox), 1), all(both(ofPod), 9)];
        assert.deepEqual(usedIn(body(5), body(6)), [{ 'shop/web-0/app': [5, 1e6] }, { 'shop/web-0/app': [6, 1e6] }]);
      });

      test('give way to those of today', () => {
        assert.deepEqual(usedIn([machine, all({ ...app, container_name: 'x', pod_name: 'y' }, 5)]), [
          { 'shop/web-0/app': [5, 1e6] },
        ]);
      });

      test('name it with CPU per core, as these kubelets report it', () => {
        const row: Row = { labels: old, cpu: { cpu00: 1.5, cpu01: 2 }, memory: 1e6 };
        assert.deepEqual(usedIn([machine, row], [machine, row]), [
          { 'shop/web-0/app': [3.5, 1e6] },
          { 'shop/web-0/app': [3.5, 1e6] },
        ]);
      });
    });
  });
}
