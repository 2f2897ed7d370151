/**
 * Decodes real answers of kubelets: those in test/testdata/captures, and those in the folder that CADVISOR_CAPTURES names, which are not part of the
 * project. The test of an answer that is in neither is skipped and says so.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { ExpositionError } from '../../../src/exposition/sample.ts';
import { cadvisorFamilies } from '../../../src/decode/cadvisor/families.ts';
import { delimitedContentType, encodeDelimited, textContentType } from '../../fakes/exposition.ts';
import { familiesOf } from './families.ts';
import { readDelimited } from '../exposition/read.ts';
import { decodeCadvisor } from './decodewhole.ts';
import { pointsOf } from './points.ts';

const ownFolder = path.resolve(import.meta.dirname, '../../testdata/captures');
const outsideFolder = process.env['CADVISOR_CAPTURES'] ?? '';

/** Labelled containers per capture, as counted by hand. */
const containerCounts: Readonly<Record<string, number>> = {
  'nri-1.17-docker-v1.prom': 15,
  'nri-1.22-docker-systemd-v1.prom': 15,
  'nri-1.24-kind-systemd.prom': 16,
  'nri-1.28.prom': 23,
  'nri-1.31.prom': 17,
  'nri-1.34.prom': 18,
  'own-k8s1.36.3-containerd2-cgroupv1.prom': 2,
};
/** The first that say whether the machine has swap; those before have none in use, so that it is not known. */
const tellSwap: ReadonlyMap<string, boolean> = new Map([
  ['nri-1.31.prom', true],
  ['nri-1.34.prom', true],
  ['own-k8s1.36.3-containerd2-cgroupv1.prom', false],
]);
const unlabelled = 'own-k8s1.36.3-containerd2-cgroupv1-unlabelled.prom';
const summary = 'nri-1.34-stats-summary.json';
const pods = 'nri-1.34-pods.json';
const delimited = 'nri-k8s1.9-docker-real.delimited.pb';

test('every capture is there', (t) => {
  const wanted = [...Object.keys(containerCounts), unlabelled, summary, pods, delimited];
  const missing = wanted.filter((name) => !given(name));
  if (missing.length === 0) return;
  const message = `${missing.length} of ${wanted.length} captures were not given (CADVISOR_CAPTURES)`;
  t.diagnostic(message);
  t.skip(message);
});

for (const [name, count] of Object.entries(containerCounts)) {
  test(`${name}: ${count} containers, each once, with CPU and memory, and the machine`, {
    skip: skipWithout(name),
  }, () => {
    const decoded = decodeText(name);
    assert.equal(decoded.kind, 'batch');
    const { machine, containers } = pointsOf(decoded.batch);
    assert.equal(containers.size, count);
    assert.ok(machine !== undefined);
    for (const pod of decoded.batch.pods) {
      assert.match(pod.uid ?? '', /^([0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/);
      for (const point of pod.containers) {
        assert.match(point.containerId, /^[0-9a-f]{64}@[0-9a-z]+$/);
        assert.ok(point.cpuSeconds > 0 && point.memoryBytes > 0, point.name);
      }
    }
    assert.equal(decoded.filtered, false);
    assert.equal(decoded.batch.hasSwap, tellSwap.get(name));
  });
}

for (const name of Object.keys(containerCounts)) {
  test(`${name}: the same body as protobuf is the same batch`, { skip: skipWithout(name) }, () => {
    const body = encodeDelimited(familiesOf(capture(name)));
    const decoded = decodeCadvisor(body, delimitedContentType, { node: 'node-1', nodeTimeMs: seenMsOf(name) });
    assert.equal(decoded.kind, 'batch');
    assert.deepEqual(decoded, decodeText(name));
  });
}

test(`${unlabelled} is unusable: its containers have no labels`, { skip: skipWithout(unlabelled) }, () => {
  assert.deepEqual(decodeText(unlabelled), { kind: 'unusable', reason: 'no labelled container rows' });
});

test('CPU and memory are those that /stats/summary had at the same moment', {
  skip: skipWithout('nri-1.34.prom', summary),
}, () => {
  const decoded = decodeText('nri-1.34.prom');
  assert.equal(decoded.kind, 'batch');
  const expected: StatsSummary = JSON.parse(capture(summary).toString());
  const containers = new Map<string, number[]>();
  for (const { podRef, containers: members } of expected.pods) {
    for (const member of members)
      containers.set(`${podRef.namespace}/${podRef.name}/${member.name}`, numbersOf(member));
  }
  const points = pointsOf(decoded.batch);
  assert.ok(containers.size > 0);
  assert.deepEqual(
    new Map([...points.containers].map(([key, [cpu = 0, bytes]]) => [key, [Math.round(cpu * 1e9), bytes]])),
    containers,
  );
  const [cpu = 0, bytes] = points.machine ?? [];
  assert.deepEqual([Math.round(cpu * 1e9), bytes], numbersOf(expected.node));
});

test('pod UIDs, config hashes and container IDs are those of the API', {
  skip: skipWithout('nri-1.34.prom', pods),
}, () => {
  const decoded = decodeText('nri-1.34.prom');
  assert.equal(decoded.kind, 'batch');
  const list: PodList = JSON.parse(capture(pods).toString());
  for (const batch of decoded.batch.pods) {
    const pod = list.items.find(
      ({ metadata }) => metadata.namespace === batch.namespace && metadata.name === batch.name,
    );
    assert.ok(pod !== undefined, batch.name);
    assert.ok(
      [pod.metadata.uid, pod.metadata.annotations?.['kubernetes.io/config.hash']].includes(batch.uid),
      batch.name,
    );
    const ids = pod.status.containerStatuses.map((status) => status.containerID.replace('containerd://', ''));
    for (const point of batch.containers)
      assert.ok(ids.includes(point.containerId.slice(0, 64)), `${batch.name}/${point.name}`);
  }
});

test(`${delimited} is read to its end, and not beyond the end of a truncated body`, {
  skip: skipWithout(delimited),
}, () => {
  const body = capture(delimited);
  let samples = 0;
  const seen = readDelimited(body, cadvisorFamilies, (sample) => {
    samples += 1;
    if (cadvisorFamilies[sample.family]?.startsWith('container_cpu')) assert.match(sample.label('id'), /^\//);
  });
  assert.ok(samples > 100);
  assert.equal(seen.hasOtherFamilies, true);
  let complete = 0;
  for (let length = 1; length < body.length; length += 997) {
    try {
      readDelimited(body.subarray(0, length), cadvisorFamilies, () => undefined);
      complete += 1;
    } catch (error) {
      assert.ok(error instanceof ExpositionError && error.offset <= length);
    }
  }
  // A cut falls between two of the 53 families only by chance.
  assert.ok(complete <= 1, `${complete} cuts went unnoticed`);
});

interface Stats {
  readonly cpu: { readonly usageCoreNanoSeconds: number };
  readonly memory: { readonly workingSetBytes: number };
}

interface StatsSummary {
  readonly node: Stats;
  readonly pods: readonly {
    readonly podRef: { readonly namespace: string; readonly name: string };
    readonly containers: readonly (Stats & { readonly name: string })[];
  }[];
}

interface PodList {
  readonly items: readonly {
    readonly metadata: {
      readonly namespace: string;
      readonly name: string;
      readonly uid: string;
      readonly annotations?: Readonly<Record<string, string>>;
    };
    readonly status: { readonly containerStatuses: readonly { readonly containerID: string }[] };
  }[];
}

function numbersOf({ cpu, memory }: Stats): number[] {
  return [cpu.usageCoreNanoSeconds, memory.workingSetBytes];
}

function decodeText(name: string): ReturnType<typeof decodeCadvisor> {
  return decodeCadvisor(capture(name), textContentType, { node: 'node-1', nodeTimeMs: seenMsOf(name) });
}

/** Captures have lost their headers; the scrape's instant is the time of container_last_seen. */
function seenMsOf(name: string): number {
  const seenMs = /^container_last_seen\{.*\} \S+ (\d+)$/m.exec(capture(name).toString('latin1'))?.[1];
  assert.ok(seenMs !== undefined);
  return Number(seenMs);
}

function capture(name: string): Buffer {
  const own = path.join(ownFolder, `${name}.gz`);
  return existsSync(own) ? gunzipSync(readFileSync(own)) : readFileSync(path.join(outsideFolder, name));
}

function given(name: string): boolean {
  return (
    existsSync(path.join(ownFolder, `${name}.gz`)) ||
    (outsideFolder !== '' && existsSync(path.join(outsideFolder, name)))
  );
}

function skipWithout(...names: readonly string[]): string | false {
  const missing = names.filter((name) => !given(name));
  return missing.length === 0 ? false : `not given: ${missing.join(', ')}`;
}
