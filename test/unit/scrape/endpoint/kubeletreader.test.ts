/** A reader keeps state between responses, per endpoint, also over responses that fail. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toPoints } from '../../../../src/sample/batch.ts';
import type { KubeletClient } from '../../../../src/kubelet/client.ts';
import { createKubeletReader } from '../../../../src/scrape/endpoint/kubeletreader.ts';
import type { ReadResult } from '../../../../src/scrape/endpoint/readresult.ts';
import { createFakeClock } from '../../../fakes/clock.ts';
import {
  delimitedContentType,
  encodeDelimited,
  encodeText,
  type Family,
  type FamilySample,
  textContentType,
} from '../../../fakes/exposition.ts';

const nodeTimeMs = 1_795_377_600_000;
const at = [{ host: '127.0.0.1', port: 10250 }] as const;

/** With whether each of its answers was read to its end. */
type RecordingKubelet = KubeletClient & { readonly paths: string[]; readonly wholes: boolean[] };

/** A kubelet that gives these bodies, one after the other. */
function kubeletOf(...bodies: readonly Buffer[]): RecordingKubelet {
  const left = [...bodies];
  return kubeletBy(textContentType, () => left.shift() ?? assert.fail('no more bodies'));
}

/** A kubelet that sends the requested families of its current rows. */
function filteringKubelet(families: () => readonly Family[]): RecordingKubelet {
  return kubeletBy(delimitedContentType, (path) => {
    const asked = new URLSearchParams(path.split('?')[1]).getAll('name[]');
    return encodeDelimited(families().filter(({ name }) => asked.includes(name)));
  });
}

function kubeletBy(
  contentType: string,
  bodyOf: (path: string) => Buffer,
  dateMs: () => number | undefined = () => nodeTimeMs,
): RecordingKubelet {
  const paths: string[] = [];
  const wholes: boolean[] = [];
  return {
    paths,
    wholes,
    fetch: async ({ onBody, path }) => {
      paths.push(path);
      const body = bodyOf(path);
      const head = { status: 200, contentType, dateMs: dateMs() };
      wholes.push(onBody?.(head)?.write(body) === true);
      const answer = { ...head, body: Buffer.alloc(0), wireBytes: body.length };
      return { ...answer, via: 'kubelet', address: '127.0.0.1:10250', verifiedBy: 'address' };
    },
    release: () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

const family = (name: string, samples: readonly FamilySample[]): Family => ({ name, help: '', type: 'gauge', samples });
const broken = Buffer.from('<html>\n');

function cpuOf(result: ReadResult): number | undefined {
  if (result.kind !== 'batch') assert.fail(result.why.what);
  const [point, ...others] = toPoints(result.batch).pods.flatMap(({ containers }) => containers);
  assert.deepEqual(others, []);
  return point?.cpuSeconds;
}

test('the first start time of a container on /metrics/cadvisor is kept', async () => {
  const uid = '66bbaa5b-bd35-4f20-902f-f9e469f6c321';
  const bodyOf = (...rows: readonly { readonly id: string; readonly start: number; readonly cpu: number }[]) => {
    const samples = (value: (row: (typeof rows)[number]) => number) =>
      rows.map((row): FamilySample => {
        const labels = {
          container: 'app',
          id: `/kubepods/pod${uid}/${row.id.repeat(64)}`,
          namespace: 'shop',
          pod: 'web',
        };
        return { labels, value: value(row), timestampMs: nodeTimeMs - 1_000 };
      });
    return encodeText([
      family(
        'container_cpu_usage_seconds_total',
        samples(({ cpu }) => cpu),
      ),
      family(
        'container_memory_working_set_bytes',
        samples(() => 1),
      ),
      family(
        'container_start_time_seconds',
        samples(({ start }) => start),
      ),
    ]);
  };
  const [dead, live] = [
    { id: '1', start: 1000, cpu: 900 },
    { id: '2', start: 2000, cpu: 3 },
  ];
  const kubelet = kubeletOf(bodyOf(dead, live), broken, bodyOf({ ...dead, start: 3000 }, live));
  const endpoint = createKubeletReader('node-1', kubelet, createFakeClock());
  const signal = new AbortController().signal;
  assert.equal(cpuOf(await endpoint.cadvisor(at, signal)), 3);
  assert.equal((await endpoint.cadvisor(at, signal)).kind, 'failed');
  assert.equal(cpuOf(await endpoint.cadvisor(at, signal)), 3);
});

test('of two equal lines on /metrics/resource each keeps its identity', async () => {
  const bodyOf = (...counters: readonly number[]) => {
    const labels = { container: 'app', namespace: 'shop', pod: 'web' };
    const samples = (of: (counter: number) => number) =>
      counters.map((counter, index) => ({ labels, value: of(counter), timestampMs: nodeTimeMs - 1_000 + index }));
    return encodeText([
      family(
        'container_cpu_usage_seconds_total',
        samples((counter) => counter),
      ),
      family(
        'container_memory_working_set_bytes',
        samples(() => 1),
      ),
    ]);
  };
  const kubelet = kubeletOf(bodyOf(900, 899), broken, bodyOf(905, 900));
  const endpoint = createKubeletReader('node-1', kubelet, createFakeClock());
  const signal = new AbortController().signal;
  assert.equal(cpuOf(await endpoint.resource(at, signal)), 899);
  assert.equal((await endpoint.resource(at, signal)).kind, 'failed');
  // The later one has overtaken the other, which stands still.
  assert.equal(cpuOf(await endpoint.resource(at, signal)), 905);
});

test('swap is not requested of a node without swap, except its swap capacity', async () => {
  const sample = (value: number): FamilySample => ({ labels: { id: '/' }, value, timestampMs: nodeTimeMs - 1_000 });
  const bodyOf = (swapBytes: number | undefined) =>
    encodeText([
      family('container_cpu_usage_seconds_total', [sample(5)]),
      family('container_memory_working_set_bytes', [sample(6)]),
      ...(swapBytes === undefined ? [] : [family('machine_swap_bytes', [{ labels: {}, value: swapBytes }])]),
    ]);
  const kubelet = kubeletOf(...[undefined, undefined, 0, 0, 1e9, 1e9].map(bodyOf));
  const endpoint = createKubeletReader('node-1', kubelet, createFakeClock());
  for (let turn = 0; turn < 6; turn += 1) await endpoint.cadvisor(at, new AbortController().signal);
  assert.deepEqual(
    kubelet.paths.map((path) => path.includes('name[]=container_memory_swap')),
    [true, true, true, false, false, true],
  );
  assert.ok(kubelet.paths.every((path) => path.includes('name[]=machine_swap_bytes')));
});

const machine = { container: '', id: '/', image: '', name: '', namespace: '', pod: '' };

function containerOf(id: string): typeof machine {
  return {
    ...machine,
    container: 'app',
    id: `/kubepods/pod66bbaa5b-bd35-4f20-902f-f9e469f6c321/${id.repeat(64)}`,
    namespace: 'shop',
    pod: 'web',
  };
}

function samplesOf(rows: readonly (typeof machine)[], value: number, isTimed: boolean): FamilySample[] {
  return rows.map((labels) => ({ labels, value, ...(isTimed ? { timestampMs: nodeTimeMs - 1_000 } : {}) }));
}

/**
 * Nothing changes, until another container takes the place of the one that was there.
 * @param ask scrapes once, and returns of each answer that this took whether it was the whole one.
 */
async function checkBriefQuestions(ask: () => Promise<boolean[]>, replace: () => void): Promise<void> {
  for (let time = 0; time < 4; time += 1) assert.deepEqual(await ask(), [true]);
  assert.deepEqual(await ask(), [false]);
  assert.deepEqual(await ask(), [false]);
  replace();
  assert.deepEqual(await ask(), [false, true]);
  for (let time = 0; time < 4; time += 1) assert.deepEqual(await ask(), [true]);
  assert.deepEqual(await ask(), [false]);
}

test('start times are not requested of a settled node, and are at once when something changes', async () => {
  let rows = [machine, containerOf('1')];
  let turn = 0;
  const kubelet = filteringKubelet(() => {
    const samples = (value: number, time = true) => samplesOf(rows, value, time);
    return [
      { ...family('container_cpu_usage_seconds_total', samples(10 + turn)), type: 'counter' },
      family('container_memory_working_set_bytes', samples(1e6)),
      family('container_start_time_seconds', samples(nodeTimeMs / 1000 - 500, false)),
      family('machine_swap_bytes', [{ labels: {}, value: 0 }]),
    ];
  });
  const endpoint = createKubeletReader('node-1', kubelet, createFakeClock());
  const ask = async () => {
    turn += 1;
    const result = await endpoint.cadvisor(at, new AbortController().signal);
    assert.equal(cpuOf(result), 10 + turn);
    return kubelet.paths.splice(0).map((path) => path.includes('name[]=container_start_time_seconds'));
  };
  await checkBriefQuestions(ask, () => (rows = [machine, containerOf('2')]));
});

test('a full body of a settled node is read up to the last family that changes', async () => {
  let rows = [machine, containerOf('1')];
  let turn = 0;
  const kubelet = kubeletBy(delimitedContentType, () => {
    const samples = (value: number, time = true) => samplesOf(rows, value, time);
    return encodeDelimited([
      family('container_cpu_load_average_10s', samples(1)),
      { ...family('container_cpu_usage_seconds_total', samples(10 + turn)), type: 'counter' },
      family('container_memory_swap', samples(0)),
      family('container_memory_working_set_bytes', samples(1e6)),
      family('container_scrape_error', [{ labels: {}, value: 0 }]),
      family('container_start_time_seconds', samples(nodeTimeMs / 1000 - 500, false)),
      family('machine_swap_bytes', [{ labels: {}, value: 2e9 }]),
    ]);
  });
  const endpoint = createKubeletReader('node-1', kubelet, createFakeClock());
  const ask = async () => {
    turn += 1;
    const result = await endpoint.cadvisor(at, new AbortController().signal);
    assert.equal(cpuOf(result), 10 + turn);
    assert.ok(result.kind === 'batch' && result.batch.hasSwap === true && !result.filtered);
    return kubelet.wholes.splice(0);
  };
  await checkBriefQuestions(ask, () => (rows = [machine, containerOf('2')]));
  assert.equal(new Set(kubelet.paths).size, 1);
});

test('intervals between samples without a time are those between the responses by our clock', async () => {
  for (const hasDate of [true, false]) {
    const clock = createFakeClock();
    const row = { labels: { container: 'app', namespace: 'shop', pod: 'web' }, value: 1 };
    const body = encodeText([
      family('container_cpu_usage_seconds_total', [row]),
      family('container_memory_working_set_bytes', [row]),
    ]);
    const nodeMs = () => nodeTimeMs + 900 + clock.monotonicMs();
    const kubelet = kubeletBy(
      textContentType,
      () => body,
      () => (hasDate ? Math.floor(nodeMs() / 1000) * 1000 : undefined),
    );
    const endpoint = createKubeletReader('node-1', kubelet, clock);
    const times: number[] = [];
    for (let scrape = 0; scrape < 10; scrape += 1) {
      const result = await endpoint.resource(at, new AbortController().signal);
      const point = result.kind === 'batch' ? toPoints(result.batch).pods[0]?.containers[0] : undefined;
      times.push(point?.timestampMs ?? assert.fail(result.kind));
      await clock.advance(10_150);
    }
    for (const [index, ms] of times.slice(1).entries()) {
      const passedMs = ms - times[index]!;
      assert.ok(Math.abs(passedMs - 10_150) <= 102, `${passedMs} ms`);
    }
  }
});

test("the node's time is the Date of the response, or our time without one", async () => {
  const families = [
    family('container_cpu_usage_seconds_total', [
      { labels: { id: '/', cpu: 'total' }, value: 1, timestampMs: nodeTimeMs },
    ]),
    family('container_memory_working_set_bytes', [{ labels: { id: '/' }, value: 1, timestampMs: nodeTimeMs }]),
  ];
  const clock = createFakeClock(nodeTimeMs + 3_600_000);
  for (const [dateMs, expectedMs] of [
    [nodeTimeMs, nodeTimeMs],
    [undefined, clock.wallMs()],
  ] as const) {
    const kubelet = kubeletBy(
      textContentType,
      () => encodeText(families),
      () => dateMs,
    );
    const result = await createKubeletReader('node-a', kubelet, clock).cadvisor(at, new AbortController().signal);
    assert.equal(result.kind === 'unanswered' ? undefined : result.nodeTimeMs, expectedMs);
  }
});
