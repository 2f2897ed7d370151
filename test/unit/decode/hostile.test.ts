/** Decodes what a tenant can write that may make cgroups of any name below its own container, and any body in both formats. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { cadvisorFamilies } from '../../../src/decode/cadvisor/families.ts';
import { resourceFamilies } from '../../../src/decode/resource/families.ts';
import {
  delimitedContentType,
  encodeDelimited,
  encodeText,
  type Family,
  type FamilySample,
  textContentType,
} from '../../fakes/exposition.ts';
import { cadvisorDecoder, decodeCadvisor, decodeResource, type DecodedPoints } from './decodewhole.ts';

const nodeTimeMs = 1_795_377_600_000;
const context = { node: 'node-1', nodeTimeMs };
const victimUid = 'd265aed6-99f7-409a-90ec-6fe07ee9cb11';
const tenantUid = '66bbaa5b-bd35-4f20-902f-f9e469f6c321';
const [victimId, sideId, tenantId] = ['1', '2', '3'].map((digit) => digit.repeat(64)) as [string, string, string];

type Labels = Readonly<Record<string, string>>;

/** Where kubelets put a container, by cgroup driver. */
const layouts: Readonly<Record<string, (uid: string, id: string) => string>> = {
  cgroupfs: (uid, id) => `/kubepods/burstable/pod${uid}/${id}`,
  systemd: (uid, id) =>
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uid.replaceAll('-', '_')}.slice/cri-containerd-${id}.scope`,
  mismatched: (uid, id) =>
    `/system.slice/containerd.service/kubepods-burstable-pod${uid.replaceAll('-', '_')}.slice:cri-containerd:${id}`,
};

/** The labels and values of one cgroup; undefined for a family that has no row of it. */
interface Row {
  readonly labels: Labels;
  readonly cpu: number | undefined;
  readonly memory: number | undefined;
  readonly start: number | undefined;
  readonly timestampMs: number | undefined;
}

const labelsOf = (id: string, container: string, pod: string): Labels => {
  const namespace = pod === '' ? '' : 'shop';
  return { container, id, image: 'image', name: container, namespace, pod };
};

const honest = (path: (uid: string, id: string) => string): readonly Row[] => {
  const sampled = { memory: 1e6, start: 1.795e9, timestampMs: nodeTimeMs - 3_000 };
  const machine = { container: '', id: '/', image: '', name: '', namespace: '', pod: '' };
  return [
    { ...sampled, labels: machine, cpu: 1000 },
    { ...sampled, labels: labelsOf(path(victimUid, victimId), 'app', 'victim'), cpu: 100.5 },
    { ...sampled, labels: labelsOf(path(victimUid, sideId), 'side', 'victim'), cpu: undefined },
    { ...sampled, labels: labelsOf(path(tenantUid, tenantId), 'app', 'tenant'), cpu: 5.5 },
  ];
};

const segment = fc.oneof(
  fc.constantFrom(
    victimId,
    sideId,
    tenantId,
    `cri-containerd-${victimId}.scope`,
    `crio-${victimId}`,
    `pod${victimUid}`,
    `kubepods-burstable-pod${victimUid.replaceAll('-', '_')}.slice`,
    `kubepods-burstable-pod${victimUid.replaceAll('-', '_')}.slice:cri-containerd:${victimId}`,
    `x",pod="victim`,
    '\n# TYPE container_cpu_usage_seconds_total counter\n',
  ),
  fc.string({ minLength: 1 }).map((text) => text.replaceAll('/', '_')),
);
const below = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => `/${segments.join('/')}`);
const value = fc.option(fc.oneof(fc.double(), fc.constantFrom(0, 9e9, 2 ** 64)), { nil: undefined });
const hostileRow = fc.record({
  below,
  container: fc.constantFrom('app', 'side', 'POD', '', 'other'),
  pod: fc.constantFrom('victim', 'tenant', ''),
  cpu: value,
  memory: value,
  start: fc.option(fc.oneof(fc.double(), fc.constantFrom(nodeTimeMs / 1000 - 5, 0, 2e9)), { nil: undefined }),
  timestampMs: fc.option(fc.integer({ min: nodeTimeMs - 600_000, max: nodeTimeMs + 600_000 }), { nil: undefined }),
});

test('nothing that a tenant makes below its own container changes the numbers of others', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(layouts)),
      fc.uniqueArray(hostileRow, { minLength: 1, maxLength: 6, selector: (row) => row.below }),
      fc.boolean(),
      (path, hostile, asText) => {
        const rows = hostile.map(
          (row): Row => ({ ...row, labels: labelsOf(path(tenantUid, tenantId) + row.below, row.container, row.pod) }),
        );
        const result = decode([...honest(path), ...rows], asText);
        const expected = decode(honest(path), asText);
        assert.ok(result.kind === 'batch' && expected.kind === 'batch');
        const byName = new Map(result.batch.pods.map((pod) => [pod.name, pod]));
        assert.deepEqual(byName, new Map(expected.batch.pods.map((pod) => [pod.name, pod])));
        assert.deepEqual(result.batch.machine, expected.batch.machine);
        // Nor those of the next scrape, by what is remembered of this one.
        const decoder = cadvisorDecoder();
        decode([...honest(path), ...rows], asText, decoder);
        assert.deepEqual(decode(honest(path), asText, decoder), expected);
      },
    ),
    { numRuns: 1000 },
  );
});

test('any families as text and as protobuf are the same batch', () => {
  const name = fc.constantFrom(...new Set([...cadvisorFamilies, ...resourceFamilies, 'machine_cpu_cores']));
  const text = fc.oneof(
    fc.constantFrom('', '/', 'app', 'POD', 'total', 'cpu00', layouts['cgroupfs']?.(victimUid, victimId) ?? ''),
    fc.string({ unit: 'binary' }),
  );
  const labels = fc.record(
    { container: text, cpu: text, id: text, image: text, name: text, namespace: text, pod: text },
    { requiredKeys: [] },
  );
  const timestampMs = fc.option(fc.integer({ min: 0, max: 2 * nodeTimeMs }), { nil: undefined });
  const sample = fc
    .record({ labels, value: fc.oneof(fc.double(), fc.nat()), timestampMs })
    .map(
      ({ timestampMs: time, ...rest }): FamilySample => (time === undefined ? rest : { ...rest, timestampMs: time }),
    );
  const family = fc.record({
    name,
    help: fc.string(),
    type: fc.constantFrom('counter', 'gauge'),
    samples: fc.array(sample, { maxLength: 6 }),
  });
  fc.assert(
    fc.property(fc.uniqueArray(family, { maxLength: 6, selector: (each) => each.name }), (families) => {
      for (const decoder of [decodeCadvisor, decodeResource]) {
        assert.deepEqual(
          decoder(encodeDelimited(families), delimitedContentType, context),
          decoder(encodeText(families), textContentType, context),
        );
      }
    }),
    { numRuns: 1000 },
  );
});

function decode(rows: readonly Row[], asText: boolean, decoder = cadvisorDecoder()): DecodedPoints {
  const family = (
    familyName: string,
    type: Family['type'],
    of: (row: Row) => number | undefined,
    timed = true,
  ): Family => ({
    name: familyName,
    help: '',
    type,
    samples: rows.flatMap((row): FamilySample[] => {
      const result = of(row);
      if (result === undefined) return [];
      const labels = type === 'counter' ? { ...row.labels, cpu: 'total' } : row.labels;
      const time = timed && row.timestampMs !== undefined ? { timestampMs: row.timestampMs } : {};
      return [{ labels, value: result, ...time }];
    }),
  });
  const families = [
    family('container_cpu_usage_seconds_total', 'counter', (row) => row.cpu),
    family('container_memory_working_set_bytes', 'gauge', (row) => row.memory),
    family('container_start_time_seconds', 'gauge', (row) => row.start, false),
  ];
  return asText
    ? decodeCadvisor(encodeText(families), textContentType, { ...context, decoder })
    : decodeCadvisor(encodeDelimited(families), delimitedContentType, { ...context, decoder });
}
