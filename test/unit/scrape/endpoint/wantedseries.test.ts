/** Wanted series come beside the quantities: only then does the request change, and the quantities stay the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toPoints } from '../../../../src/sample/batch.ts';
import type { WantedColumns } from '../../../../src/sample/seriescolumns.ts';
import type { KubeletClient } from '../../../../src/kubelet/client.ts';
import { createKubeletReader, type KubeletReader } from '../../../../src/scrape/endpoint/kubeletreader.ts';
import type { BatchResult } from '../../../../src/scrape/endpoint/readresult.ts';
import { createFakeClock } from '../../../fakes/clock.ts';
import { delimitedContentType, encodeDelimited, type Family } from '../../../fakes/exposition.ts';
import { familiesOf, type NodeRows } from '../../kubeletsource/nodescrapes.ts';

const startMs = 1_795_377_600_000;
const at = [{ host: '127.0.0.1', port: 10250 }] as const;
const { signal } = new AbortController();
const wanted: WantedColumns = ['networkReceiveBytes', 'sockets'];
const wantedNames = 'name[]=container_network_receive_bytes_total&name[]=container_sockets';

interface KubeletUnderTest extends KubeletClient {
  readonly paths: string[];
  /** Whether each body was read to its end. */
  readonly wholes: boolean[];
  /** Milliseconds since the epoch, as its Date header. */
  nowMs: number;
}

/** A kubelet that filters by `name[]`, or ignores it. */
function kubeletOf(families: (nowMs: number) => readonly Family[], filters: boolean): KubeletUnderTest {
  const kubelet: KubeletUnderTest = {
    paths: [],
    wholes: [],
    nowMs: startMs,
    fetch: async ({ onBody, path }) => {
      kubelet.paths.push(path);
      const names = new URLSearchParams(path.split('?')[1]).getAll('name[]');
      const sent = families(kubelet.nowMs).filter(({ name }) => !filters || names.includes(name));
      const body = encodeDelimited(sent);
      const head = { status: 200, contentType: delimitedContentType, dateMs: kubelet.nowMs };
      const reader = onBody?.(head);
      let isWanted = true;
      // Cut anywhere, as a network does.
      for (let from = 0; from < body.length && isWanted; from += 777) {
        isWanted = reader?.write(body.subarray(from, from + 777)) === true;
      }
      kubelet.wholes.push(isWanted);
      const answer = { ...head, body: Buffer.alloc(0), wireBytes: body.length };
      return { ...answer, via: 'kubelet', address: '127.0.0.1:10250', verifiedBy: 'address' };
    },
    release: () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
  return kubelet;
}

const rows = (bytes: number): NodeRows => ({
  runtime: 'containerd',
  pods: [
    {
      namespace: 'shop',
      name: 'web-0',
      sandbox: [{ family: 'container_network_receive_bytes_total', value: bytes, labels: { interface: 'eth0' } }],
      containers: { app: [{ family: 'container_sockets', value: 5 }] },
    },
  ],
});

const other: Family = { name: 'container_blkio_device_usage_total', help: '', type: 'counter', samples: [] };
const late: Family = {
  name: 'container_zzz',
  help: '',
  type: 'counter',
  samples: [{ labels: { id: '/', filler: 'x'.repeat(5_000) }, value: 1 }],
};

async function read(reader: KubeletReader, columns?: WantedColumns): Promise<BatchResult> {
  const result = await reader.cadvisor(at, signal, columns);
  assert.ok(result.kind === 'batch');
  return result;
}

const valuesOf = ({ series }: BatchResult) => {
  assert.ok(series?.kind === 'series', JSON.stringify(series));
  const { values } = series.batch;
  return [...values].filter((value) => !Number.isNaN(value));
};

for (const filters of [true, false]) {
  const which = filters ? 'that filters' : 'that does not filter';
  test(`without wanted series a kubelet ${which} gets the same request as ever, to the byte`, async () => {
    const kubelet = kubeletOf((nowMs) => [...familiesOf(rows(1), nowMs - 2_000), other, late], filters);
    const plain = createKubeletReader('node-1', kubelet, createFakeClock());
    for (let scrape = 0; scrape < 6; scrape += 1, kubelet.nowMs += 15_000) await read(plain);
    const before = kubelet.paths.splice(0);
    const reader = createKubeletReader('node-1', kubelet, createFakeClock());
    for (let scrape = 0; scrape < 6; scrape += 1, kubelet.nowMs += 15_000) await read(reader, []);
    assert.deepEqual(kubelet.paths, before);
    assert.equal(
      before[0],
      '/metrics/cadvisor?name[]=container_cpu_usage_seconds_total&name[]=container_memory_working_set_bytes' +
        '&name[]=container_start_time_seconds&name[]=container_memory_swap&name[]=container_scrape_error&name[]=machine_swap_bytes',
    );
  });

  test(`wanted families of a kubelet ${which} come beside the quantities, which stay as they are`, async () => {
    const kubelet = kubeletOf((nowMs) => [...familiesOf(rows(nowMs - startMs), nowMs - 2_000), other, late], filters);
    const [plain, reader] = [0, 1].map(() => createKubeletReader('node-1', kubelet, createFakeClock())) as [
      KubeletReader,
      KubeletReader,
    ];
    for (let scrape = 0; scrape < 6; scrape += 1, kubelet.nowMs += 15_000) {
      const expected = await read(plain);
      kubelet.paths.length = 0;
      const result = await read(reader, wanted);
      assert.ok(
        kubelet.paths.every((path) => path.endsWith(`&${wantedNames}`)),
        kubelet.paths.join(' '),
      );
      assert.deepEqual(valuesOf(result), [kubelet.nowMs - startMs, 5]);
      assert.equal(result.filtered, expected.filtered);
      assert.deepEqual(toPoints(result.batch), toPoints(expected.batch));
    }
  });
}

test('a family that is a quantity as well is requested once', async () => {
  const kubelet = kubeletOf((nowMs) => familiesOf(rows(1), nowMs - 2_000), true);
  const reader = createKubeletReader('node-1', kubelet, createFakeClock());
  await read(reader, ['cpuUsage', 'memoryWorkingSet']);
  const names = new URLSearchParams(kubelet.paths[0]?.split('?')[1]).getAll('name[]');
  assert.deepEqual(names, [...new Set(names)]);
});

test('the body of a kubelet that does not filter is read up to the last wanted family only', async () => {
  const kubelet = kubeletOf((nowMs) => [...familiesOf(rows(1), nowMs - 2_000), other, late], false);
  const reader = createKubeletReader('node-1', kubelet, createFakeClock());
  for (let scrape = 0; scrape < 6; scrape += 1, kubelet.nowMs += 15_000) await read(reader, wanted);
  assert.deepEqual(kubelet.wholes.slice(-1), [false]);
});

test('series above a limit are refused, and the quantities are read', async () => {
  const crowded = (nowMs: number): NodeRows => ({
    runtime: 'containerd',
    pods: rows(nowMs).pods.map((pod) => ({
      ...pod,
      sandbox: Array.from({ length: 1_025 }, (_, index) => ({
        family: 'container_network_receive_bytes_total',
        value: 1,
        labels: { interface: `eth${index}` },
      })),
    })),
  });
  const kubelet = kubeletOf((nowMs) => familiesOf(crowded(nowMs), nowMs - 2_000), true);
  const result = await read(createKubeletReader('node-1', kubelet, createFakeClock()), wanted);
  assert.deepEqual(result.series, { kind: 'refused', reason: 'more than 1024 interfaces or devices of one cgroup' });
  assert.equal(toPoints(result.batch).pods.length, 1);
});

test('a metric that becomes wanted is requested from the next scrape on, and no longer once it is not', async () => {
  const kubelet = kubeletOf((nowMs) => familiesOf(rows(1), nowMs - 2_000), true);
  const reader = createKubeletReader('node-1', kubelet, createFakeClock());
  for (const columns of [[], wanted, []]) {
    await read(reader, columns);
    kubelet.nowMs += 15_000;
  }
  assert.deepEqual(
    kubelet.paths.map((path) => path.includes('network')),
    [false, true, false],
  );
});
