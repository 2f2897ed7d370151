import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import {
  delimitedContentType,
  encodeDelimited,
  encodeText,
  type Family,
  type FamilySample,
  textContentType,
} from '../../fakes/exposition.ts';
import { decodeCadvisor, decodeResource, resourceDecoder, type DecodedPoints } from './decodewhole.ts';
import { pointsOf } from './points.ts';

const context = { node: 'node-1', nodeTimeMs: 1795377600000 };
const timestampMs = 1795377597000;
const uid = '66bbaa5b-bd35-4f20-902f-f9e469f6c321';
const podPath = `/kubepods/burstable/pod${uid}`;
const blank = { container: '', id: '/', image: '', name: '', namespace: '', pod: '' };
const inPod = { ...blank, namespace: 'shop', pod: 'web-0' };
const app = { ...inPod, container: 'app', id: `${podPath}/${'1'.repeat(64)}`, image: 'app:1', name: '1'.repeat(64) };
const pause = { ...inPod, id: `${podPath}/${'2'.repeat(64)}`, image: 'pause:3', name: '2'.repeat(64) };

const row = (labels: Readonly<Record<string, string>>, value: number): FamilySample => ({ labels, value, timestampMs });
const cpu = (...rows: FamilySample[]): Family => ({
  name: 'container_cpu_usage_seconds_total',
  help: 'CPU',
  type: 'counter',
  samples: rows,
});
const gauge = (name: string, ...rows: FamilySample[]): Family => ({ name, help: name, type: 'gauge', samples: rows });
const memory = (...rows: FamilySample[]): Family => gauge('container_memory_working_set_bytes', ...rows);
const scrapeError = (value: number): Family => gauge('container_scrape_error', { labels: {}, value });
const total = (labels: Readonly<Record<string, string>>) => ({ ...labels, cpu: 'total' });

const whole: readonly Family[] = [
  cpu(row(total(blank), 100), row(total(app), 5)),
  memory(row(blank, 1e9), row(app, 1e6)),
  scrapeError(0),
];

const cadvisor = (...families: readonly Family[]): DecodedPoints =>
  decodeCadvisor(encodeText(families), textContentType, context);
const resource = (...families: readonly Family[]): DecodedPoints =>
  decodeResource(encodeText(families), textContentType, context);

describe('content types', () => {
  const text = encodeText(whole);
  const delimited = encodeDelimited(whole);
  for (const [contentType, body, kind] of [
    ['text/plain', text, 'batch'],
    [textContentType, text, 'batch'],
    ['Text/Plain; Version=0.0.4', text, 'batch'],
    [delimitedContentType, delimited, 'batch'],
    ['application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited', delimited, 'batch'],
    ['application/vnd.google.protobuf; encoding=text', delimited, 'unusable'],
    ['application/openmetrics-text; version=1.0.0', text, 'unusable'],
    ['application/json', text, 'unusable'],
    ['', text, 'unusable'],
  ] as const) {
    test(`${contentType || 'no content type'} is read as ${kind}`, () => {
      const decoded = decodeCadvisor(body, contentType, context);
      assert.equal(decoded.kind, kind);
      if (decoded.kind === 'unusable') assert.equal(decoded.reason, `unknown content type "${contentType}"`);
    });
  }
});

test('a kubelet that sends families beside the requested ones does not filter', () => {
  assert.equal(batchOf(cadvisor(...whole)).filtered, true);
  assert.equal(batchOf(cadvisor(...whole, gauge('machine_cpu_cores', { labels: {}, value: 8 }))).filtered, false);
});

test('a container has the swap, the start time and the CPU of its series', () => {
  const { batch } = batchOf(
    cadvisor(
      ...whole,
      gauge('container_memory_swap', row(app, 4096)),
      gauge('container_start_time_seconds', { labels: app, value: 1.795e9 }),
    ),
  );
  const { containerId = '' } = batch.pods[0]?.containers[0] ?? {};
  assert.equal(containerId.slice(0, 65), `${'1'.repeat(64)}@`);
  assert.deepEqual(batch, {
    node: 'node-1',
    source: 'cadvisor',
    machine: { timestampMs, cpuSeconds: 100, memoryBytes: 1e9 },
    hasSwap: true,
    pods: [
      {
        namespace: 'shop',
        name: 'web-0',
        uid,
        containers: [
          {
            name: 'app',
            containerId,
            startTimeMs: 1.795e12,
            timestampMs,
            cpuSeconds: 5,
            memoryBytes: 1e6,
            swapBytes: 4096,
          },
        ],
      },
    ],
  });
});

describe('whether the node has swap', () => {
  const capacity = (value: number) => gauge('machine_swap_bytes', row({ boot_id: 'b', machine_id: 'm' }, value));
  const used = (labels: Readonly<Record<string, string>>, value: number) =>
    gauge('container_memory_swap', row(labels, value));
  const check = (what: string, families: readonly Family[], expected: boolean | undefined) => {
    test(what, () => {
      assert.equal(batchOf(cadvisor(...whole, ...families)).batch.hasSwap, expected);
    });
  };
  check('is reported by the machine', [capacity(2 ** 31)], true);
  check('is reported by the machine, also that it has none', [capacity(0)], false);
  check(
    'is seen where a container uses some, though the machine is said to have none',
    [capacity(0), used(app, 4096)],
    true,
  );
  check('is seen where the machine uses some, though it is said to have none', [capacity(0), used(blank, 1)], true);
  for (const value of [Number.NaN, -1, Infinity, 2 ** 64]) {
    check(`is not known from a capacity of ${value}`, [capacity(value)], undefined);
  }
  check('is seen where the machine uses some', [used(blank, 4096)], true);
  check('is seen where a container uses some', [used(app, 4096)], true);
  check('is not known while none is used', [used(blank, 0)], undefined);
  check('is not known where nothing is said of it', [], undefined);
  // On cgroup v2, cAdvisor takes memory from memory with swap, and the difference has no sign.
  check('is not seen in a use that cannot be true', [used(blank, 2 ** 64 - 1e9)], undefined);
  check('is not seen in what a slice uses', [used({ ...blank, id: '/system.slice' }, 4096)], undefined);

  test('is no row: a body without containers stays unusable', () => {
    assert.match(reasonOf(cadvisor(capacity(2 ** 31))), /no container rows/);
  });

  test('is known from /metrics/resource only while some is in use', () => {
    const labels = { container: 'app', namespace: 'shop', pod: 'web-0' };
    const of = (value: number) =>
      batchOf(resource(memory(row(labels, 1)), gauge('container_swap_usage_bytes', row(labels, value))));
    assert.equal(of(1).batch.hasSwap, true);
    assert.equal(of(0).batch.hasSwap, undefined);
  });
});

test('a body as text and as protobuf is the same batch', () => {
  const bytes = fc.option(fc.double({ min: 0, max: 2 ** 64, noNaN: true }), { nil: undefined });
  const rows = (name: string, labels: Readonly<Record<string, string>>, value: number | undefined) =>
    value === undefined ? [] : [gauge(name, row(labels, value))];
  fc.assert(
    fc.property(bytes, bytes, bytes, (capacity, ofMachine, ofContainer) => {
      const families = [
        ...whole,
        ...rows('machine_swap_bytes', { machine_id: 'm' }, capacity),
        gauge(
          'container_memory_swap',
          ...(ofMachine === undefined ? [] : [row(blank, ofMachine)]),
          ...(ofContainer === undefined ? [] : [row(app, ofContainer)]),
        ),
      ];
      assert.deepEqual(
        decodeCadvisor(encodeDelimited(families), delimitedContentType, context),
        decodeCadvisor(encodeText(families), textContentType, context),
      );
    }),
  );
});

test('CPU per core is summed where there is no total, and only there', () => {
  const cores = [row({ ...app, cpu: 'cpu00' }, 1.5), row({ ...app, cpu: 'cpu01' }, 2)];
  assert.deepEqual(containersOf(cadvisor(cpu(...cores), memory(row(app, 1)))), { 'shop/web-0/app': [3.5, 1] });
  assert.deepEqual(containersOf(cadvisor(cpu(...cores, row(total(app), 4)), memory(row(app, 1)))), {
    'shop/web-0/app': [4, 1],
  });
});

test('a container without a pod or a namespace is left out', () => {
  const [nowhere, podless] = [
    { ...app, namespace: '' },
    { ...app, pod: '' },
  ];
  for (const labels of [nowhere, podless]) {
    const decoded = cadvisor(cpu(row(total(blank), 100), row(total(labels), 5)), memory(row(blank, 1), row(labels, 1)));
    assert.deepEqual(containersOf(decoded), {});
  }
});

test('a cgroup elsewhere with the ID of a container has another counter', () => {
  const leaked = { ...app, id: `/pids${app.id}` };
  const idsOf = (...rows: readonly (typeof app)[]) =>
    batchOf(cadvisor(memory(...rows.map((labels) => row(labels, 1))))).batch.pods.flatMap(({ containers }) =>
      containers.map(({ containerId }) => containerId),
    );
  const [both, alone, other] = [idsOf(app, leaked), idsOf(app), idsOf(leaked)];
  assert.deepEqual(both, alone);
  assert.equal(other.length, 1);
  assert.notDeepEqual(other, alone);
});

test('the newer of two samples of one series counts', () => {
  const older = { labels: app, value: 9, timestampMs: timestampMs - 1 };
  for (const rows of [
    [older, row(app, 7)],
    [row(app, 7), older],
  ]) {
    assert.deepEqual(containersOf(cadvisor(memory(...rows))), { 'shop/web-0/app': [0, 7] });
  }
});

test('a container without a usable value is there with a working set of NaN, and its pod is doubted', () => {
  for (const rows of [
    [cpu(row(total(app), 5))],
    [cpu(row(total(app), 5)), memory(row(app, Number.NaN))],
    [cpu(row(total(app), 5)), memory(row(app, Number.POSITIVE_INFINITY))],
    [cpu(row(total(app), 5)), memory(row(app, 2 ** 64))],
    [cpu(row(total(app), 5)), memory(row(app, -1))],
    [cpu(row(total(app), Number.NaN)), memory(row(app, 1))],
  ]) {
    const side = { ...app, container: 'side', id: `${podPath}/${'3'.repeat(64)}` };
    const decoded = cadvisor(...rows, cpu(row(total(side), 6)), memory(row(side, 1)));
    const { 'shop/web-0/app': odd, ...others } = containersOf(decoded);
    assert.ok(Number.isNaN(odd?.[1]), 'the container is there');
    assert.deepEqual(others, { 'shop/web-0/side': [6, 1] });
    assert.deepEqual(decoded.kind === 'batch' && decoded.doubts?.pods, [{ namespace: 'shop', name: 'web-0' }]);
  }
});

test('a pod with a container that uses no memory, or of which only the start is known, is doubted', () => {
  const side = { ...app, container: 'side', id: `${podPath}/${'3'.repeat(64)}` };
  const start = gauge('container_start_time_seconds', {
    labels: side,
    value: context.nodeTimeMs / 1000 - 3_600,
  });
  for (const families of [
    [cpu(row(total(app), 5), row(total(side), 6)), memory(row(app, 1), row(side, 0))],
    [cpu(row(total(app), 5)), memory(row(app, 1), row(side, 0))],
    [cpu(row(total(app), 5)), memory(row(app, 1)), start],
  ]) {
    const decoded = cadvisor(...families);
    assert.deepEqual(decoded.kind === 'batch' && decoded.doubts?.pods, [{ namespace: 'shop', name: 'web-0' }]);
  }
});

test('a body of nothing but odd rows is unusable, on either endpoint', () => {
  const named = { container: 'app', namespace: 'shop', pod: 'web-0' };
  for (const values of [[], [Number.NaN], [2 ** 64]]) {
    const odd = (labels: Readonly<Record<string, string>>) => memory(...values.map((value) => row(labels, value)));
    for (const decoded of [cadvisor(cpu(row(total(app), 5)), odd(app)), resource(cpu(row(named, 5)), odd(named))]) {
      assert.deepEqual(decoded, { kind: 'unusable', reason: 'no usable rows' });
    }
  }
});

test('a container without a working set leaves the others in the batch', () => {
  const side = { ...app, container: 'side', id: `${podPath}/${'3'.repeat(64)}` };
  assert.deepEqual(containersOf(cadvisor(cpu(row(total(app), 5), row(total(side), 6)), memory(row(side, 1)))), {
    'shop/web-0/app': [5, Number.NaN],
    'shop/web-0/side': [6, 1],
  });
});

describe('a machine row', () => {
  checkMachine('with all labels empty', [row(total(blank), 100)], [row(blank, 1e9)], [100, 1e9]);
  checkMachine('without CPU', [], [row(blank, 1e9)], undefined);
  checkMachine('without memory', [row(total(blank), 100)], [], undefined);
  checkMachine('of no bytes', [row(total(blank), 100)], [row(blank, 0)], undefined);
  checkMachine(
    'with a name',
    [row(total({ ...blank, name: 'x' }), 100)],
    [row({ ...blank, name: 'x' }, 1e9)],
    undefined,
  );
});

describe('a body without containers', () => {
  const machine = [cpu(row(total(blank), 100)), memory(row(blank, 1e9))] as const;

  test('of a node without pods is a batch', () => {
    assert.deepEqual(pointsOf(batchOf(cadvisor(...machine)).batch), { machine: [100, 1e9], containers: new Map() });
  });

  test('while a pod is in creation is a batch', () => {
    const conmon = {
      ...blank,
      id: `/kubepods.slice/kubepods-pod${uid.replaceAll('-', '_')}.slice/crio-conmon-${'1'.repeat(64)}.scope`,
    };
    const decoded = cadvisor(
      cpu(row(total(blank), 100)),
      memory(row(blank, 1e9), row({ ...inPod, id: podPath }, 5), row(pause, 4), row(conmon, 1)),
    );
    assert.deepEqual(pointsOf(batchOf(decoded).batch), { machine: [100, 1e9], containers: new Map() });
  });

  test('that has unlabelled ones is unusable', () => {
    const decoded = cadvisor(cpu(row(total(blank), 100)), memory(row(blank, 1e9), row({ ...blank, id: app.id }, 5)));
    assert.deepEqual(decoded, { kind: 'unusable', reason: 'no labelled container rows' });
  });

  test('that has no machine either is unusable', () => {
    assert.deepEqual(cadvisor(memory(row({ ...inPod, id: podPath }, 5))), {
      kind: 'unusable',
      reason: 'no usable rows',
    });
  });

  test('that has no samples is unusable', () => {
    assert.match(reasonOf(decodeCadvisor(Buffer.alloc(0), textContentType, context)), /no container rows/);
    assert.match(reasonOf(decodeCadvisor(Buffer.alloc(0), delimitedContentType, context)), /no container rows/);
    assert.match(reasonOf(decodeResource(Buffer.alloc(0), textContentType, context)), /no usable rows/);
  });
});

test('a body whose IDs are no paths is unusable: the runtime counts whole seconds of CPU', () => {
  const bare = { ...app, id: app.name };
  const decoded = cadvisor(cpu(row(total(blank), 100), row(bare, 5)), memory(row(blank, 1e9), row(bare, 1e6)));
  assert.match(reasonOf(decoded), /PodAndContainerStatsFromCRI/);
});

test('a body with container_scrape_error 1 is unusable, whatever else is in it', () => {
  assert.match(reasonOf(cadvisor(...whole.slice(0, 2), scrapeError(1))), /container_scrape_error is 1/);
});

test('an error page and a truncated body are malformed, and the reason has the offset where reading stopped', () => {
  assert.equal(
    reasonOf(decodeCadvisor(Buffer.from('<html>\n'), textContentType, context)),
    'malformed body: neither a metric name nor a comment at byte 0',
  );
  const text = encodeText(whole);
  assert.equal(decodeCadvisor(text.subarray(0, -1), textContentType, context).kind, 'malformed');
  assert.match(reasonOf(decodeCadvisor(text.subarray(0, -1), textContentType, context)), /cut off at byte \d+$/);
  const delimited = encodeDelimited(whole);
  assert.match(reasonOf(decodeCadvisor(delimited.subarray(0, -1), delimitedContentType, context)), /cut off/);
});

describe('a container that was found and not yet sampled', () => {
  const sidecar = { ...app, container: 'sidecar', id: `${podPath}/${'3'.repeat(64)}` };
  const started = (ageSeconds: number) =>
    gauge('container_start_time_seconds', { labels: sidecar, value: context.nodeTimeMs / 1000 - ageSeconds });
  const podsOf = (decoded: DecodedPoints) =>
    decoded.kind === 'batch' ? decoded.batch.pods : assert.fail(decoded.reason);

  test('keeps its pod out of the batch, or the pod would look idle', () => {
    assert.deepEqual(podsOf(cadvisor(...whole, started(5))), []);
  });

  test('leaves its pod in the batch if it is dead: old, and without samples', () => {
    assert.equal(podsOf(cadvisor(...whole, started(60))).length, 1);
  });
});

describe('/metrics/resource', () => {
  const labels = { container: 'app', namespace: 'shop', pod: 'web-0' };
  const start = gauge('container_start_time_seconds', { labels, value: 1795000001.25 });
  const machineOf = (seconds: number): readonly Family[] => [
    { ...cpu(row({}, seconds)), name: 'node_cpu_usage_seconds_total' },
    gauge('node_memory_working_set_bytes', row({}, 1e9)),
  ];

  test('has the machine and containers with swap', () => {
    const decoded = resource(
      { ...cpu(row({}, 100)), name: 'node_cpu_usage_seconds_total' },
      gauge('node_memory_working_set_bytes', row({}, 1e9)),
      gauge('node_swap_usage_bytes', row({}, 0)),
      cpu(row(labels, 5)),
      memory(row(labels, 1e6)),
      gauge('container_swap_usage_bytes', row(labels, 4096)),
      start,
    );
    assert.deepEqual(batchOf(decoded), {
      kind: 'batch',
      filtered: true,
      doubts: undefined,
      batch: {
        node: 'node-1',
        source: 'resource',
        machine: { timestampMs, cpuSeconds: 100, memoryBytes: 1e9, swapBytes: 0 },
        hasSwap: true,
        pods: [
          {
            namespace: 'shop',
            name: 'web-0',
            uid: undefined,
            containers: [
              {
                name: 'app',
                containerId: 'start:1795000001.25',
                startTimeMs: 1795000001250,
                timestampMs,
                cpuSeconds: 5,
                memoryBytes: 1e6,
                swapBytes: 4096,
              },
            ],
          },
        ],
      },
    });
  });

  test('a container without start time has an ID that never changes', () => {
    const { batch } = batchOf(resource(memory(row(labels, 1))));
    assert.equal(batch.pods[0]?.containers[0]?.containerId, 'start:unknown');
    assert.equal(batch.pods[0].containers[0].startTimeMs, undefined);
  });

  test('a container has another ID after a restart, and keeps its ID where the start time is missing', () => {
    const decoder = resourceDecoder();
    const idsOf = (starts: readonly (number | undefined)[]) =>
      starts.map((value) => {
        const started = value === undefined ? [] : [gauge('container_start_time_seconds', { labels, value })];
        const body = encodeText([cpu(row(labels, 1)), memory(row(labels, 1)), ...started]);
        const { batch } = batchOf(decodeResource(body, textContentType, { ...context, decoder }));
        return batch.pods[0]?.containers[0]?.containerId;
      });
    assert.deepEqual(idsOf([5, undefined, 5, 6, undefined]), ['start:5', 'start:5', 'start:5', 'start:6', 'start:6']);
  });

  describe('with two lines of one container', () => {
    interface Line {
      readonly cpu: number;
      readonly ageMs: number;
      readonly bytes?: number;
    }
    /** CPU and ID that are chosen of each scrape, one after the other. */
    function chosen(...scrapes: readonly (readonly Line[])[]): string[] {
      const decoder = resourceDecoder();
      return scrapes.map((lines) => {
        const oldestFirst = lines.toSorted((a, b) => b.ageMs - a.ageMs);
        const rows = oldestFirst.map(({ ageMs, cpu: value }) => ({ labels, value, timestampMs: timestampMs - ageMs }));
        const bytes = rows.map((each, line) => ({ ...each, value: oldestFirst[line]?.bytes ?? each.value * 1e6 }));
        const body = encodeText([...machineOf(1), cpu(...rows), memory(...bytes), start]);
        const decoded = decodeResource(body, textContentType, { ...context, decoder });
        if (decoded.kind !== 'batch') assert.fail(decoded.reason);
        const [point, ...others] = decoded.batch.pods.flatMap(({ containers }) => containers);
        assert.deepEqual(others, []);
        if (Number.isNaN(point?.memoryBytes)) return `no value ${point?.containerId}`;
        assert.equal(point?.memoryBytes, point && point.cpuSeconds * 1e6);
        return `${point?.cpuSeconds} ${point?.containerId}`;
      });
    }

    test('chooses the same one, whichever was sampled last', () => {
      const old = (value: number, ageMs: number) => ({ cpu: value, ageMs });
      assert.deepEqual(chosen([old(900, 5), old(20, 3)], [old(910, 2), old(25, 4)], [old(920, 4), old(30, 1)]), [
        '20 line:1',
        '25 line:1',
        '30 line:1',
      ]);
    });

    for (const [what, oddOf] of [
      ['counter', () => ({ cpu: Number.NaN, bytes: 5e6 })],
      ['working set', (value: number) => ({ cpu: value, bytes: 2 ** 64 })],
    ] as const) {
      test(`one whose ${what} cannot be true is not replaced by the other one`, () => {
        const old = (value: number) => ({ cpu: value, ageMs: 5 });
        const young = (value: number) => ({ cpu: value, ageMs: 3 });
        const odd = { ...oddOf(25), ageMs: 3 };
        assert.deepEqual(chosen([old(900), young(20)], [old(910), odd], [old(920), odd], [old(930), young(30)]), [
          '20 line:1',
          'no value line:1',
          'no value line:1',
          '30 line:1',
        ]);
      });

      test(`one is served though the ${what} of the other one cannot be true`, () => {
        const young = (value: number) => ({ cpu: value, ageMs: 3 });
        const odd = { ...oddOf(910), ageMs: 5 };
        assert.deepEqual(chosen([{ cpu: 900, ageMs: 5 }, young(20)], [odd, young(25)], [odd, young(30)]), [
          '20 line:1',
          '25 line:1',
          '30 line:1',
        ]);
      });
    }

    test('never gives one the ID of the other', () => {
      assert.deepEqual(
        chosen(
          [
            { cpu: 900, ageMs: 5 },
            { cpu: 20, ageMs: 3 },
          ],
          [{ cpu: 910, ageMs: 5 }],
        ),
        ['20 line:1', 'no value line:1'],
      );
    });
  });

  test('containers without memory or with impossible values are there with a working set of NaN', () => {
    for (const rows of [[cpu(row(labels, 5)), start], [memory(row(labels, Number.NaN))], [start]]) {
      const decoded = resource(...machineOf(1), ...rows);
      assert.equal(decoded.kind, 'batch');
      const containers = decoded.kind === 'batch' ? decoded.batch.pods.flatMap((pod) => pod.containers) : [];
      assert.deepEqual(
        containers.map(({ name, memoryBytes }) => [name, memoryBytes]),
        [['app', Number.NaN]],
      );
    }
  });

  test('containers without a name are left out', () => {
    assert.equal(resource(memory(row({ ...labels, container: '' }, 1))).kind, 'unusable');
  });
});

test('any bytes are decoded to a batch or a reason', () => {
  const body = fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged(encodeText(whole)), damaged(encodeDelimited(whole)));
  fc.assert(
    fc.property(body, fc.constantFrom(textContentType, delimitedContentType), (bytes, contentType) => {
      assert.match(decodeCadvisor(bytes, contentType, context).kind, /^(batch|unusable|malformed)$/);
      assert.match(decodeResource(bytes, contentType, context).kind, /^(batch|unusable|malformed)$/);
    }),
    { numRuns: 1000 },
  );
});

function damaged(body: Buffer): fc.Arbitrary<Uint8Array> {
  const changes = fc.array(fc.tuple(fc.nat(body.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 });
  return fc.tuple(changes, fc.nat(body.length)).map(([list, length]) => {
    const copy = Buffer.from(body);
    for (const [at, byte] of list) copy[at] = byte;
    return copy.subarray(0, length);
  });
}

function checkMachine(
  what: string,
  cpuRows: FamilySample[],
  memoryRows: FamilySample[],
  expected: readonly number[] | undefined,
): void {
  test(what, () => {
    const decoded = cadvisor(cpu(row(total(app), 5), ...cpuRows), memory(row(app, 1e6), ...memoryRows));
    assert.deepEqual(pointsOf(batchOf(decoded).batch).machine, expected);
  });
}

function containersOf(decoded: DecodedPoints): Record<string, readonly number[]> {
  return Object.fromEntries(pointsOf(batchOf(decoded).batch).containers);
}

function batchOf(decoded: DecodedPoints): Extract<DecodedPoints, { kind: 'batch' }> {
  assert.equal(decoded.kind, 'batch', decoded.kind === 'unusable' ? decoded.reason : '');
  return decoded;
}

function reasonOf(decoded: DecodedPoints): string {
  assert.ok(decoded.kind !== 'batch');
  return decoded.reason;
}

describe('times of samples in one body', () => {
  const nodeTimeMs = context.nodeTimeMs;
  const names = ['app', 'side', 'log'];
  /** A body in which each container's rows have such a time; undefined is none. */
  const bodyOf = (source: 'cadvisor' | 'resource', times: readonly (number | undefined)[], machineMs = timestampMs) => {
    const at = (labels: Readonly<Record<string, string>>, value: number, ms: number | undefined): FamilySample =>
      ms === undefined ? { labels, value } : { labels, value, timestampMs: ms };
    const labelsOf = (index: number) =>
      source === 'cadvisor'
        ? { ...app, container: names[index]!, id: `${podPath}/${String(index + 3).repeat(64)}` }
        : { namespace: 'shop', pod: 'web-0', container: names[index]! };
    const cpuRows = times.map((ms, index) => at(labelsOf(index), 5, ms));
    const memoryRows = times.map((ms, index) => at(labelsOf(index), 1e6, ms));
    return source === 'cadvisor'
      ? [
          cpu(at(total(blank), 100, machineMs), ...cpuRows),
          memory(at(blank, 1e9, machineMs), ...memoryRows),
          scrapeError(0),
        ]
      : [
          gauge('node_cpu_usage_seconds_total', at({}, 100, machineMs)),
          gauge('node_memory_working_set_bytes', at({}, 1e9, machineMs)),
          cpu(...cpuRows),
          memory(...memoryRows),
        ];
  };
  const result = (source: 'cadvisor' | 'resource', form: 'text' | 'protobuf', families: readonly Family[]) => {
    const decode = source === 'cadvisor' ? decodeCadvisor : decodeResource;
    const [body, type] =
      form === 'text' ? [encodeText(families), textContentType] : [encodeDelimited(families), delimitedContentType];
    return batchOf(decode(body, type, context)).batch;
  };

  for (const source of ['cadvisor', 'resource'] as const) {
    for (const form of ['text', 'protobuf'] as const) {
      test(`${source}, ${form}: a container without a time has the response's, and is in the batch with the others`, () => {
        for (const none of [undefined, 0]) {
          const { pods } = result(source, form, bodyOf(source, [timestampMs, none]));
          const times = pods[0]?.containers.map(({ name, timestampMs: ms, isUntimed }) => [name, ms, isUntimed]);
          assert.deepEqual(times, [
            ['app', timestampMs, undefined],
            ['side', nodeTimeMs, true],
          ]);
        }
      });

      test(`${source}, ${form}: a sample of 600 s ago among newer ones is of a container that has ended`, () => {
        const { pods } = result(source, form, bodyOf(source, [timestampMs, nodeTimeMs - 600_000, timestampMs]));
        assert.deepEqual(pods[0]?.containers.map(({ name }) => name).sort(), ['app', 'log']);
      });

      test(`${source}, ${form}: a machine's sample of 600 s ago among newer ones is dropped`, () => {
        assert.equal(result(source, form, bodyOf(source, [timestampMs], nodeTimeMs - 600_000)).machine, undefined);
        const slow = bodyOf(source, [nodeTimeMs - 200_000], nodeTimeMs - 600_000);
        assert.equal(result(source, form, slow).machine?.timestampMs, nodeTimeMs - 600_000);
      });

      test(`${source}, ${form}: a container whose time cannot be true is there without a value`, () => {
        for (const impossible of [1, -62_135_596_800_000]) {
          const { pods, machine } = result(source, form, bodyOf(source, [timestampMs, impossible], impossible));
          const memories = pods[0]?.containers.map(({ name, memoryBytes }) => [name, memoryBytes]);
          assert.deepEqual(memories, [
            ['app', 1e6],
            ['side', Number.NaN],
          ]);
          assert.equal(machine, undefined);
        }
      });
    }
  }
});
