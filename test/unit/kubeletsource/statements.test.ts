/** Holds what custom metrics from kubelets are, on the rows of containerd, CRI-O and docker. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  createNode,
  node,
  type NodeRows,
  type NodeUnderTest,
  type PodRows,
  type RowValue,
  type Runtime,
} from './nodescrapes.ts';

const received = 'container_network_receive_bytes_total';
const receive = 'network_receive_bytes_per_second';

/** A pod's traffic, on the interface that has it and on one of the kernel's fallback tunnels. */
const traffic = (bytes: number): RowValue[] => [
  { family: received, value: bytes, labels: { interface: 'eth0' } },
  { family: received, value: 0, labels: { interface: 'tunl0' } },
];

const web = (sandbox: readonly RowValue[], more: Partial<PodRows> = {}): PodRows => ({
  namespace: 'shop',
  name: 'web-0',
  containers: { app: [] },
  sandbox,
  ...more,
});

const rowsOf = (
  pods: readonly PodRows[],
  runtime: Runtime = 'containerd',
  machine: readonly RowValue[] = [],
): NodeRows => ({
  runtime,
  machine,
  pods,
});

async function scrapeTwice(
  under: NodeUnderTest,
  first: NodeRows,
  second: NodeRows,
  intervalMs = 15_000,
): Promise<void> {
  under.scrape(first);
  await under.clock.advance(intervalMs);
  under.scrape(second);
}

describe('the network of a pod is the sum over the interfaces of its sandbox', () => {
  for (const runtime of ['containerd', 'crio', 'docker'] as const) {
    for (const protobuf of [true, false]) {
      test(`with ${runtime}, in ${protobuf ? 'protobuf' : 'text'}`, async () => {
        const under = createNode([receive], { protobuf });
        const two = (bytes: number) => [
          ...traffic(bytes),
          { family: received, value: 2 * bytes, labels: { interface: 'net1' } },
        ];
        await scrapeTwice(under, rowsOf([web(two(1_000))], runtime), rowsOf([web(two(16_000))], runtime));
        assert.equal(await under.valueOf(receive), 3_000);
      });
    }
  }
});

test("the machine's traffic is the node's and not a pod's", async () => {
  const under = createNode([receive]);
  const first = rowsOf([web(traffic(0))], 'containerd', traffic(1_000_000));
  await scrapeTwice(under, first, rowsOf([web(traffic(30))], 'containerd', traffic(1_150_000)));
  const ofNode = await under.get(receive, 'nodes', '', node);
  assert.equal(ofNode.samples[0]?.valueMilli, 10_000_000n);
  assert.equal(await under.valueOf(receive), 2);
});

test('a namespace has the sum over its pods, with the time of the oldest', async () => {
  const under = createNode([receive]);
  const other = (bytes: number): PodRows => ({ ...web(traffic(bytes)), name: 'web-1' });
  const outside: PodRows = { ...web(traffic(7)), namespace: 'else' };
  await scrapeTwice(
    under,
    rowsOf([web(traffic(0)), other(0), outside]),
    rowsOf([web(traffic(150)), other(300), outside]),
  );
  const answer = await under.get(receive, 'namespaces', '', 'shop');
  assert.deepEqual(answer.samples, [
    { name: 'shop', timestampMs: under.clock.wallMs(), windowSeconds: 15, valueMilli: 30_000n },
  ]);
});

describe('a pod with the network of its node', () => {
  test('has no network metrics, and the cause says so', async () => {
    const under = createNode([receive]);
    const pods = (bytes: number) => [web(traffic(bytes), { hostNetwork: true })];
    await scrapeTwice(under, rowsOf(pods(0)), rowsOf(pods(1e9)));
    for (const names of ['web-0', ['web-0']]) {
      const answer = await under.get(receive, 'pods', 'shop', names);
      assert.deepEqual(answer.samples, []);
      assert.equal(answer.causes?.[0]?.reason, 'HostNetwork');
      assert.match(answer.pending ?? '', /spec\.hostNetwork/);
    }
  });

  test("is not counted in its namespace's sum", async () => {
    const under = createNode([receive]);
    const pods = (bytes: number) => [
      web(traffic(bytes), { hostNetwork: true }),
      { ...web(traffic(bytes / 10)), name: 'web-1' },
    ];
    await scrapeTwice(under, rowsOf(pods(0)), rowsOf(pods(1_500)));
    const answer = await under.get(receive, 'namespaces', '', 'shop');
    assert.equal(answer.samples[0]?.valueMilli, 10_000n);
  });

  test('has metrics other than those of the network', async () => {
    const under = createNode(['threads']);
    const rows = rowsOf([
      web([], { hostNetwork: true, containers: { app: [{ family: 'container_threads', value: 7 }] } }),
    ]);
    under.scrape(rows);
    assert.equal(await under.valueOf('threads'), 7);
  });
});

test('an idle pod has 0, not nothing', async () => {
  const under = createNode([receive]);
  await scrapeTwice(under, rowsOf([web(traffic(446))]), rowsOf([web(traffic(446))]));
  assert.equal(await under.valueOf(receive), 0);
});

describe('the throttled ratio', () => {
  const cfs = (throttled: number, periods: number): RowValue[] => [
    { family: 'container_cpu_cfs_throttled_periods_total', value: throttled },
    { family: 'container_cpu_cfs_periods_total', value: periods },
  ];
  const pod = (containers: PodRows['containers'], own: readonly RowValue[] = []): NodeRows =>
    rowsOf([web([], { containers, own })]);

  test('is that of the most throttled container, not of the pod row', async () => {
    const under = createNode(['cpu_throttled_ratio']);
    const first = pod({ app: cfs(0, 0), side: cfs(10, 100) }, cfs(0, 0));
    await scrapeTwice(under, first, pod({ app: cfs(75, 100), side: cfs(20, 200) }, cfs(1, 100)));
    assert.equal(await under.valueOf('cpu_throttled_ratio'), 0.75);
  });

  test('is 0 for a container with a limit that needed no CPU', async () => {
    const under = createNode(['cpu_throttled_ratio']);
    await scrapeTwice(under, pod({ app: cfs(3, 9) }), pod({ app: cfs(3, 9) }));
    assert.equal(await under.valueOf('cpu_throttled_ratio'), 0);
  });

  test('is missing without a limit, and the cause says so', async () => {
    const under = createNode(['cpu_throttled_ratio']);
    await scrapeTwice(under, pod({ app: [] }), pod({ app: [] }));
    const answer = await under.get('cpu_throttled_ratio', 'pods', 'shop', 'web-0');
    assert.deepEqual(answer.samples, []);
    assert.match(answer.pending ?? '', /no container of the pod has a CPU limit/);
  });
});

describe('pressure', () => {
  const waiting = 'container_pressure_cpu_waiting_seconds_total';
  const pressed = (own: number, container: number): NodeRows =>
    rowsOf([
      web([], { own: [{ family: waiting, value: own }], containers: { app: [{ family: waiting, value: container }] } }),
    ]);

  test("is the pod row's, per second", async () => {
    const under = createNode(['cpu_pressure_waiting_ratio']);
    await scrapeTwice(under, pressed(100, 50), pressed(103, 99));
    assert.equal(await under.valueOf('cpu_pressure_waiting_ratio'), 0.2);
  });

  test('is never above 1', async () => {
    const under = createNode(['cpu_pressure_waiting_ratio']);
    await scrapeTwice(under, pressed(100, 50), pressed(115.2, 99));
    assert.equal(await under.valueOf('cpu_pressure_waiting_ratio'), 1);
  });

  test('is missing where the kernel has no PSI, and the cause says so', async () => {
    const under = createNode(['cpu_pressure_waiting_ratio']);
    await scrapeTwice(under, rowsOf([web([])]), rowsOf([web([])]));
    assert.match((await under.get('cpu_pressure_waiting_ratio', 'pods', 'shop', 'web-0')).pending ?? '', /PSI/);
  });
});

describe('a counter that begins again makes neither a negative rate nor a spike', () => {
  test('when the sandbox restarts', async () => {
    const under = createNode([receive]);
    await scrapeTwice(under, rowsOf([web(traffic(1_000_000))]), rowsOf([web(traffic(1_000_150))]));
    await under.clock.advance(15_000);
    under.scrape(rowsOf([web(traffic(90_000), { sandboxAttempt: 2 })]));
    // The last value stands until the new sandbox has two samples.
    assert.equal(await under.valueOf(receive), 10);
    await under.clock.advance(15_000);
    under.scrape(rowsOf([web(traffic(90_300), { sandboxAttempt: 2 })]));
    assert.equal(await under.valueOf(receive), 20);
  });

  test('when an interface appears that has counted before', async () => {
    const under = createNode([receive]);
    const more = (bytes: number) => [
      ...traffic(bytes),
      { family: received, value: 1e9, labels: { interface: 'net1' } },
    ];
    await scrapeTwice(under, rowsOf([web(traffic(0))]), rowsOf([web(traffic(150))]));
    await under.clock.advance(15_000);
    under.scrape(rowsOf([web(more(300))]));
    assert.equal(await under.valueOf(receive), 10);
    await under.clock.advance(15_000);
    under.scrape(rowsOf([web(more(330))]));
    assert.equal(await under.valueOf(receive), 2);
  });

  test('when a container restarts', async () => {
    const under = createNode(['cpu_system_cores']);
    const rows = (seconds: number, attempt: number) =>
      rowsOf([
        web([], {
          containers: { app: [{ family: 'container_cpu_system_seconds_total', value: seconds }] },
          attempts: { app: attempt },
        }),
      ]);
    await scrapeTwice(under, rows(5_000, 1), rows(5_003, 1));
    await under.clock.advance(15_000);
    under.scrape(rows(900, 2));
    assert.equal(await under.valueOf('cpu_system_cores'), 0.2);
    await under.clock.advance(15_000);
    under.scrape(rows(906, 2));
    assert.equal(await under.valueOf('cpu_system_cores'), 0.4);
  });

  test('when the counter of the same cgroup falls', async () => {
    const under = createNode([receive]);
    await scrapeTwice(under, rowsOf([web(traffic(9_000))]), rowsOf([web(traffic(9_150))]));
    await under.clock.advance(15_000);
    under.scrape(rowsOf([web(traffic(5))]));
    assert.equal(await under.valueOf(receive), 10);
    await under.clock.advance(15_000);
    under.scrape(rowsOf([web(traffic(35))]));
    assert.equal(await under.valueOf(receive), 2);
  });
});

test('a pod that is made again under its name has no value of the one before', async () => {
  const under = createNode([receive]);
  await scrapeTwice(under, rowsOf([web(traffic(0))]), rowsOf([web(traffic(150))]));
  await under.clock.advance(15_000);
  const next = { uid: '11111111-2222-4333-8444-555555555555' };
  under.scrape(rowsOf([web(traffic(100_000), next)]));
  assert.deepEqual((await under.get(receive, 'pods', 'shop', 'web-0')).samples, []);
  await under.clock.advance(15_000);
  under.scrape(rowsOf([web(traffic(100_045), next)]));
  assert.equal(await under.valueOf(receive), 3);
});

describe('time and window of a value', () => {
  test('are those of the samples', async () => {
    const under = createNode([receive]);
    under.scrape(rowsOf([web(traffic(0))]), 4_000);
    await under.clock.advance(15_000);
    under.scrape(rowsOf([web(traffic(170))]), 2_000);
    const answer = await under.get(receive, 'pods', 'shop', 'web-0');
    assert.deepEqual(answer.samples, [
      { name: 'web-0', timestampMs: under.clock.wallMs() - 2_000, windowSeconds: 17, valueMilli: 10_000n },
    ]);
  });

  test('grow with the samples up to the window', async () => {
    const under = createNode([receive]);
    const windows: (number | undefined)[] = [];
    for (let scrape = 0; scrape < 8; scrape += 1) {
      under.scrape(rowsOf([web(traffic(scrape * scrape))]));
      windows.push((await under.get(receive, 'pods', 'shop', 'web-0')).samples[0]?.windowSeconds);
      await under.clock.advance(15_000);
    }
    assert.deepEqual(windows, [undefined, 15, 30, 45, 60, 60, 60, 60]);
  });

  test('of a moment have no window', async () => {
    const under = createNode(['memory_rss_bytes']);
    under.scrape(rowsOf([web([], { containers: { app: [{ family: 'container_memory_rss', value: 5_000 }] } })]));
    const [sample] = (await under.get('memory_rss_bytes', 'pods', 'shop', 'web-0')).samples;
    assert.deepEqual(sample, { name: 'web-0', timestampMs: under.clock.wallMs(), valueMilli: 5_000_000n });
  });
});

test('a value is served until it is stale, as the rest of the store', async () => {
  const under = createNode([receive]);
  await scrapeTwice(under, rowsOf([web(traffic(0))]), rowsOf([web(traffic(150))]));
  await under.clock.advance(45_000);
  assert.equal(await under.valueOf(receive), 10);
  await under.clock.advance(1);
  const answer = await under.get(receive, 'pods', 'shop', 'web-0');
  assert.deepEqual(answer.samples, []);
  assert.equal(answer.causes?.[0]?.reason, 'Stale');
});

describe('a metric that nothing wants yet', () => {
  test('is listed, and its first request says from when on it is served and brings the scrape forward', async () => {
    const under = createNode([]);
    under.setPods([{ namespace: 'shop', name: 'web-0' }]);
    assert.ok(under.source.list().some(({ metric, resource }) => metric === receive && resource.resource === 'pods'));
    const first = await under.get(receive, 'pods', 'shop', ['web-0']);
    assert.match(first.pending ?? '', /from the next samples on/);
    assert.deepEqual(under.forwarded, [node]);
    await under.get(receive, 'pods', 'shop', ['web-0']);
    assert.deepEqual(under.forwarded, [node], 'once');
    await scrapeTwice(under, rowsOf([web(traffic(0))]), rowsOf([web(traffic(150))]));
    assert.equal(await under.valueOf(receive), 10);
  });

  test('is forgotten an hour after its last request, with all that was kept of it', async () => {
    const under = createNode([]);
    under.setPods([{ namespace: 'shop', name: 'web-0' }]);
    await under.get(receive, 'pods', 'shop', 'web-0');
    await scrapeTwice(under, rowsOf([web(traffic(0))]), rowsOf([web(traffic(150))]));
    assert.ok(under.store.counts().bytes > 0);
    await under.clock.advance(3_600_000);
    under.scrape(rowsOf([web(traffic(300))]));
    assert.deepEqual(under.store.counts(), { pods: 0, numbers: 0, bytes: 0, refused: 0 });
  });
});

test('a node on /metrics/resource has none, and the cause says so', async () => {
  const under = createNode([receive]);
  await scrapeTwice(under, rowsOf([web(traffic(0))]), rowsOf([web(traffic(150))]));
  under.fallBack();
  for (const [kind, namespace, name] of [
    ['pods', 'shop', 'web-0'],
    ['nodes', '', node],
    ['namespaces', '', 'shop'],
  ] as const) {
    const answer = await under.get(receive, kind, namespace, name);
    assert.deepEqual(answer.samples, []);
    assert.equal(answer.causes?.[0]?.reason, 'ResourceEndpoint');
    assert.match(answer.pending ?? '', /node node-1 is read from \/metrics\/resource/);
  }
});

test('a metric selector matches no metric of a kubelet, which has no labels, and the cause says so', async () => {
  const under = createNode([receive]);
  await scrapeTwice(under, rowsOf([web(traffic(0))]), rowsOf([web(traffic(150))]));
  assert.match((await under.get(receive, 'pods', 'shop', 'web-0', 'interface=eth0')).pending ?? '', /no labels/);
  assert.equal((await under.get(receive, 'pods', 'shop', 'web-0', '!interface')).samples.length, 1);
});

test('a metric that kubelets do not have, or not of that resource, is 404', async () => {
  const under = createNode([]);
  const notFound = { name: 'StatusError', code: 404 };
  await assert.rejects(under.get('requests_per_second', 'pods', 'shop', 'web-0'), notFound);
  await assert.rejects(under.get('cpu_throttled_ratio', 'nodes', '', node), notFound);
});

describe('a limit', () => {
  const limited = (cpuSeconds: number): NodeRows =>
    rowsOf([
      web([], {
        containers: {
          app: [
            { family: 'container_cpu_usage_seconds_total', value: cpuSeconds, labels: { cpu: 'total' } },
            { family: 'container_memory_working_set_bytes', value: 3e6 },
            { family: 'container_spec_cpu_quota', value: 50_000, untimed: true },
            { family: 'container_spec_cpu_period', value: 100_000, untimed: true },
            { family: 'container_spec_memory_limit_bytes', value: 4e6, untimed: true },
          ],
          side: [
            { family: 'container_spec_cpu_period', value: 100_000, untimed: true },
            { family: 'container_spec_memory_limit_bytes', value: 0, untimed: true },
          ],
        },
      }),
    ]);

  test('is what usage is divided by, of the containers that have one', async () => {
    const under = createNode(['cpu_limit_utilization', 'memory_limit_utilization']);
    await scrapeTwice(under, limited(10), limited(16));
    assert.equal(await under.valueOf('cpu_limit_utilization'), 0.8);
    assert.equal(await under.valueOf('memory_limit_utilization'), 0.75);
  });
});

test('page faults are the major ones, counted once', async () => {
  const under = createNode(['memory_major_page_faults_per_second']);
  const faults = (major: number): RowValue[] =>
    ['container', 'hierarchy'].flatMap((scope) => [
      { family: 'container_memory_failures_total', value: 50 * major, labels: { failure_type: 'pgfault', scope } },
      { family: 'container_memory_failures_total', value: major, labels: { failure_type: 'pgmajfault', scope } },
    ]);
  const rows = (major: number) => rowsOf([web([], { containers: { app: faults(major) } })]);
  await scrapeTwice(under, rows(0), rows(30));
  assert.equal(await under.valueOf('memory_major_page_faults_per_second'), 2);
});

test('kills for lack of memory are counted within the window', async () => {
  const under = createNode(['oom_kills']);
  const rows = (kills: number) =>
    rowsOf([web([], { containers: { app: [{ family: 'container_oom_events_total', value: kills }] } })]);
  await scrapeTwice(under, rows(4), rows(6));
  assert.equal(await under.valueOf('oom_kills'), 2);
});

test('a container that has read nothing counts as 0 beside one that has', async () => {
  const under = createNode(['fs_reads_per_second']);
  const reads = (count: number): RowValue[] =>
    ['/dev/vda', '/dev/vdb'].map((device) => ({
      family: 'container_fs_reads_total',
      value: count,
      labels: { device },
    }));
  const rows = (count: number) => rowsOf([web([], { containers: { app: reads(count), idle: [] } })]);
  await scrapeTwice(under, rows(0), rows(30));
  assert.equal(await under.valueOf('fs_reads_per_second'), 4);
});

test('a pod keeps its value while a container that has started has none', async () => {
  const under = createNode(['memory_rss_bytes']);
  const rss = (bytes: number): RowValue[] => [{ family: 'container_memory_rss', value: bytes }];
  under.scrape(rowsOf([web([], { containers: { app: rss(5) } })]));
  await under.clock.advance(15_000);
  under.scrape(rowsOf([web([], { containers: { app: rss(6), late: [] } })]));
  assert.equal(await under.valueOf('memory_rss_bytes'), 5);
});

describe('a cgroup that cannot be read', () => {
  const used = (name: string, seconds: number): PodRows =>
    web([], {
      name,
      containers: {
        app: [{ family: 'container_cpu_system_seconds_total', value: seconds }],
        other: [{ family: 'container_cpu_system_seconds_total', value: 2 * seconds }],
      },
    });
  const scrape = async (under: NodeUnderTest, pod: PodRows): Promise<void> => {
    await under.clock.advance(15_000);
    under.scrape(rowsOf([pod]));
  };

  test('has counters of 0, which are neither a value nor the start of a life in one interval', async () => {
    const under = createNode(['cpu_system_cores']);
    for (const seconds of [9_000, 9_003, 0, 9_009, 9_012]) {
      await scrape(under, used('web-0', seconds));
      if (seconds !== 9_000) assert.equal(await under.valueOf('cpu_system_cores'), 0.6);
    }
  });

  test('has memory of 0, which is not served', async () => {
    const under = createNode(['memory_working_set_bytes', 'memory_rss_bytes']);
    const memory = (bytes: number) =>
      web([], {
        containers: {
          app: ['container_memory_working_set_bytes', 'container_memory_rss'].map((family) => ({
            family,
            value: bytes,
          })),
        },
      });
    for (const bytes of [500, 0, 600]) {
      await scrape(under, memory(bytes));
      const expected = bytes === 0 ? 500 : bytes;
      assert.equal(await under.valueOf('memory_working_set_bytes'), expected);
      assert.equal(await under.valueOf('memory_rss_bytes'), expected);
    }
  });

  test('has ended when it stays at 0, and starts no life in one interval after that', async () => {
    const under = createNode(['cpu_system_cores']);
    for (const seconds of [9_000, 9_003, 0, 0, 0, 0, 0, 0, 0, 0]) await scrape(under, used('web-0', seconds));
    assert.equal(await under.valueOf('cpu_system_cores'), 0);
    for (const seconds of [9_009, 9_012]) await scrape(under, used('web-0', seconds));
    assert.equal(await under.valueOf('cpu_system_cores'), 0.6);
  });
});

test('a series that is missing once takes nothing from the sum', async () => {
  const under = createNode(['cpu_system_cores', 'memory_rss_bytes']);
  const system = (seconds: number): RowValue => ({ family: 'container_cpu_system_seconds_total', value: seconds });
  const rss: RowValue = { family: 'container_memory_rss', value: 1 };
  for (const seconds of [10, 13, 16, 19, 22]) {
    await under.clock.advance(15_000);
    const other = seconds === 16 ? [rss] : [rss, system(seconds)];
    under.scrape(rowsOf([web([], { containers: { app: [rss, system(seconds)], other } })]));
    if (seconds > 10) assert.equal(await under.valueOf('cpu_system_cores'), 0.4);
  }
});

test('without a container that never has a second sample, a pod has a new value with each scrape', async () => {
  const under = createNode(['cpu_system_cores']);
  const system = (seconds: number): RowValue[] => [{ family: 'container_cpu_system_seconds_total', value: seconds }];
  for (let scrape = 0; scrape < 20; scrape += 1) {
    await under.clock.advance(15_000);
    const containers = { app: system(scrape * scrape), fails: system(1) };
    under.scrape(rowsOf([web([], { containers, attempts: { fails: scrape } })]));
    if (scrape < 6) continue;
    const { samples, pending } = await under.get('cpu_system_cores', 'pods', 'shop', 'web-0');
    assert.equal(samples[0]?.timestampMs, under.clock.wallMs(), pending);
  }
});

test('without file systems of containers, as with containerd, the cause says so', async () => {
  const under = createNode(['fs_usage_bytes']);
  const machine = [{ family: 'container_fs_usage_bytes', value: 5, labels: { device: '/dev/vda' } }];
  const rows = rowsOf([web([])], 'containerd', machine);
  await scrapeTwice(under, rows, rows);
  assert.match((await under.get('fs_usage_bytes', 'pods', 'shop', 'web-0')).pending ?? '', /no file systems/);
});
