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

test('traffic that two interfaces count is counted once, and pods that start do not begin the node anew', async () => {
  const under = createNode([receive]);
  const on = (bytes: Readonly<Record<string, number>>): RowValue[] =>
    Object.entries(bytes).map(([each, value]) => ({ family: received, value, labels: { interface: each } }));
  const rows = (bytes: number, pods: number) =>
    rowsOf(
      [web(on({ eth0: bytes, wg0: bytes }))],
      'containerd',
      on({
        eth0: 2 * bytes,
        bond0: 2 * bytes,
        'eth0.100': bytes,
        'vxlan.calico': bytes,
        cni0: bytes,
        ...Object.fromEntries(Array.from({ length: pods }, (_, pod) => [`cali0123456789${pod}`, 1e9])),
      }),
    );
  for (const [bytes, pods] of [
    [1_000, 0],
    [1_150, 1],
    [1_300, 3],
  ] as const) {
    await under.clock.advance(15_000);
    under.scrape(rows(bytes, pods));
    if (bytes === 1_000) continue;
    const [ofNode] = (await under.get(receive, 'nodes', '', node)).samples;
    assert.equal(ofNode?.valueMilli, 20_000n);
    assert.equal(ofNode.timestampMs, under.clock.wallMs());
    assert.equal(await under.valueOf(receive), 10);
  }
});

test('a virtual function of Azure is no traffic beside its eth0, and a card of such a name alone is', async () => {
  const on = (bytes: Readonly<Record<string, number>>): RowValue[] =>
    Object.entries(bytes).map(([each, value]) => ({ family: received, value, labels: { interface: each } }));
  for (const of of [
    (bytes: number) => on({ eth0: 2_000 + bytes, enP30832s1: bytes }),
    (bytes: number) => on({ wlP9s9: 7, enP7s7: bytes }),
    (bytes: number) => on({ enP7s7: bytes }),
  ]) {
    const under = createNode([receive]);
    await scrapeTwice(under, rowsOf([], 'containerd', of(1_000)), rowsOf([], 'containerd', of(1_150)));
    assert.equal((await under.get(receive, 'nodes', '', node)).samples[0]?.valueMilli, 10_000n);
  }
});

describe('disks', () => {
  const writes = (bytes: Readonly<Record<string, number>>): RowValue[] =>
    Object.entries(bytes).map(([each, value]) => ({
      family: 'container_fs_writes_bytes_total',
      value,
      labels: { device: `/dev/${each}` },
    }));
  for (const [what, of] of Object.entries({
    'below LVM count once': (bytes: number) => writes({ nvme0n1: bytes, 'dm-0': bytes }),
    'below LVM over RAID count once': (bytes: number) =>
      writes({ sda: bytes / 2, sdb: bytes / 2, md127: bytes, 'dm-0': bytes }),
    'below two volumes count once': (bytes: number) => writes({ 'dm-1': bytes / 4, sda: bytes, 'dm-0': 0.75 * bytes }),
    'below dm-crypt have the writes that the kernel counts above it': (bytes: number) =>
      writes({ sda: 0, 'dm-0': bytes, 'dm-1': bytes, 'mapper/luks-root': 0 }),
    'that are not stacked are added': (bytes: number) => writes({ sda: 0.25 * bytes, vdb: 0.75 * bytes }),
  })) {
    test(what, async () => {
      const under = createNode(['fs_write_bytes_per_second']);
      const rows = (bytes: number) => rowsOf([web([], { containers: { app: of(bytes) } })]);
      // The third scrape is recognised by position.
      await scrapeTwice(under, rows(4_000), rows(4_600));
      assert.equal(await under.valueOf('fs_write_bytes_per_second'), 40);
      await under.clock.advance(15_000);
      under.scrape(rows(5_200));
      assert.equal(await under.valueOf('fs_write_bytes_per_second'), 40);
    });
  }

  test('of file systems are added, stacked or not', async () => {
    const under = createNode(['fs_usage_bytes']);
    const used = ['/dev/dm-0', '/dev/dm-1'].map((device) => ({
      family: 'container_fs_usage_bytes',
      value: 5,
      labels: { device },
    }));
    under.scrape(rowsOf([web([], { containers: { app: used } })], 'crio'));
    assert.equal(await under.valueOf('fs_usage_bytes'), 10);
  });
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

describe('a namespace of which a pod has no value', () => {
  const other = (bytes: number): PodRows => ({ ...web(traffic(bytes)), name: 'web-1' });
  const ofNamespace = (under: NodeUnderTest) => under.get(receive, 'namespaces', '', 'shop');

  test('has none while its metric is newly wanted: other nodes have not been scraped for it', async () => {
    const under = createNode([receive]);
    const elsewhere = { namespace: 'shop', name: 'web-2', node: 'node-2' };
    await scrapeTwice(under, rowsOf([web(traffic(0))]), rowsOf([web(traffic(150))]));
    under.setPods([web([]), elsewhere]);
    const first = await ofNamespace(under);
    assert.deepEqual(first.samples, []);
    assert.match(first.pending ?? '', /from the next samples on/);
    // A node that is never scraped takes no metric away for ever.
    for (const bytes of [300, 450, 600, 750, 900, 1_050]) {
      await under.clock.advance(15_000);
      under.scrape(rowsOf([web(traffic(bytes))]));
      under.setPods([web([]), elsewhere]);
    }
    assert.equal((await ofNamespace(under)).samples[0]?.valueMilli, 10_000n);
  });

  test('has none until each node may have been scraped twice, however rarely that is', async () => {
    const under = createNode([receive], { resolutionMs: 120_000 });
    const elsewhere = { namespace: 'shop', name: 'web-2', node: 'node-2' };
    under.scrape(rowsOf([web(traffic(0))]));
    const sums: (bigint | undefined)[] = [];
    for (const [seconds, bytes] of [
      [95, 950],
      [120, 2_150],
      [120, 3_350],
    ] as const) {
      await under.clock.advance(seconds * 1_000);
      under.scrape(rowsOf([web(traffic(bytes))]));
      under.setPods([web([]), elsewhere]);
      sums.push((await ofNamespace(under)).samples[0]?.valueMilli);
    }
    assert.deepEqual(sums, [undefined, undefined, 10_000n]);
  });

  test('has the sum of the others later: a pod that starts has no traffic yet', async () => {
    const under = createNode([receive]);
    for (let count = 0; count < 8; count += 1) {
      await under.clock.advance(15_000);
      under.scrape(rowsOf([web(traffic(150 * count)), ...(count < 7 ? [] : [other(7)])]));
    }
    assert.equal((await ofNamespace(under)).samples[0]?.valueMilli, 10_000n);
  });

  test('has the sum of the others if the pod never has one, at once', async () => {
    const under = createNode([receive]);
    const idle = (bytes: number) => rowsOf([web(traffic(bytes)), { ...web([]), name: 'web-1' }]);
    await scrapeTwice(under, idle(0), idle(150));
    assert.equal((await ofNamespace(under)).samples[0]?.valueMilli, 10_000n);
  });
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
    const first = pod({ app: cfs(5, 50), side: cfs(10, 100) }, cfs(0, 0));
    await scrapeTwice(under, first, pod({ app: cfs(80, 150), side: cfs(20, 200) }, cfs(1, 100)));
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

test('a kubelet that repeats its samples keeps no value alive', async () => {
  const under = createNode([receive, 'memory_working_set_bytes']);
  await scrapeTwice(under, rowsOf([web(traffic(0))]), rowsOf([web(traffic(150))]));
  for (const ageMs of [15_000, 30_000, 45_000, 60_000]) {
    await under.clock.advance(15_000);
    under.scrape(rowsOf([web(traffic(150))]), ageMs);
    for (const metric of [receive, 'memory_working_set_bytes']) {
      const { samples } = await under.get(metric, 'pods', 'shop', 'web-0');
      assert.equal(samples.length, ageMs <= 45_000 ? 1 : 0, `${metric} of ${ageMs} ms ago`);
    }
  }
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

  test('is brought forward for the first request where an autoscaler names it since a moment, and not later', async () => {
    for (const seconds of [0, 120]) {
      const under = createNode([]);
      under.setAutoscalers(receive);
      under.setPods([{ namespace: 'shop', name: 'web-0' }]);
      assert.deepEqual(
        under.demand.metrics().map(({ name }) => name),
        [receive],
      );
      await under.clock.advance(seconds * 1_000);
      await under.get(receive, 'pods', 'shop', ['web-0']);
      assert.deepEqual(under.forwarded, seconds === 0 ? [node] : []);
    }
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

/** What each resource has while web-0's node is read from /metrics/resource. */
const onResource = [
  ['pods', 'shop', 'web-0'],
  ['nodes', '', node],
  ['namespaces', '', 'shop'],
] as const;

test('a node on /metrics/resource keeps the last values until they are stale, then the cause says so', async () => {
  const under = createNode([receive]);
  await scrapeTwice(
    under,
    rowsOf([web(traffic(0))], 'containerd', traffic(0)),
    rowsOf([web(traffic(150))], 'containerd', traffic(300)),
  );
  for (let passedMs = 15_000; passedMs <= 45_000; passedMs += 15_000) {
    await under.clock.advance(15_000);
    under.fallBack();
    for (const [kind, namespace, name] of onResource) {
      const [sample] = (await under.get(receive, kind, namespace, name)).samples;
      assert.equal(sample?.valueMilli, kind === 'nodes' ? 20_000n : 10_000n);
      assert.equal(sample?.timestampMs, under.clock.wallMs() - passedMs);
    }
  }
  await under.clock.advance(15_000);
  for (let scrapes = 0; scrapes < 2; scrapes += 1) {
    for (const [kind, namespace, name] of onResource) {
      const answer = await under.get(receive, kind, namespace, name);
      assert.deepEqual(answer.samples, []);
      assert.equal(answer.causes?.[0]?.reason, 'ResourceEndpoint');
      assert.match(answer.pending ?? '', /node node-1 is read from \/metrics\/resource/);
    }
    // The next scrape drops what is stale.
    under.fallBack();
  }
  assert.deepEqual(under.store.counts(), { pods: 0, numbers: 0, bytes: 0, refused: 0 });
});

test('a scrape of /metrics/resource between two others leaves no gap, and the rate goes on over it', async () => {
  const under = createNode([receive]);
  await scrapeTwice(under, rowsOf([web(traffic(0))]), rowsOf([web(traffic(150))]));
  await under.clock.advance(15_000);
  under.fallBack();
  assert.equal(await under.valueOf(receive), 10);
  await under.clock.advance(15_000);
  under.scrape(rowsOf([web(traffic(1_050))]));
  // 1,050 bytes in 45 s, the window of a minute.
  assert.equal(await under.valueOf(receive), 23.333);
});

test('a restart while a node is on /metrics/resource leaves no gap', async () => {
  const before = createNode([receive]);
  await scrapeTwice(before, rowsOf([web(traffic(0))]), rowsOf([web(traffic(150))]));
  await before.clock.advance(15_000);
  before.fallBack();
  const under = createNode([receive]);
  under.setPods([web([])]);
  under.store.restore([...before.store.saved()], under.clock.monotonicMs());
  assert.equal(await under.valueOf(receive), 10);
  under.fallBack();
  assert.equal(await under.valueOf(receive), 10);
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
  await scrapeTwice(under, rows(1), rows(31));
  assert.equal(await under.valueOf('memory_major_page_faults_per_second'), 2);
});

test('kills for lack of memory are counted within the window', async () => {
  const under = createNode(['oom_kills']);
  const rows = (kills: number) =>
    rowsOf([web([], { containers: { app: [{ family: 'container_oom_events_total', value: kills }] } })]);
  await scrapeTwice(under, rows(4), rows(6));
  assert.equal(await under.valueOf('oom_kills'), 2);
});

test('kills that a restarted kubelet reads again in the log of the kernel are not counted again, and later ones are', async () => {
  const under = createNode(['oom_kills']);
  const scrape = async (kills: number) => {
    under.scrape(rowsOf([web([], { containers: { app: [{ family: 'container_oom_events_total', value: kills }] } })]));
    await under.clock.advance(10_000);
  };
  for (const kills of [1, 0, 1, 1]) await scrape(kills);
  assert.equal(await under.valueOf('oom_kills'), 0);
  await scrape(2);
  assert.equal(await under.valueOf('oom_kills'), 1);
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
  await scrapeTwice(under, rows(1), rows(31));
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

test('a series that is missing for longer than the window takes nothing from the sum while a value stands', async () => {
  const under = createNode(['fs_write_bytes_per_second', 'memory_rss_bytes'], { windowMs: 15_000 });
  const written = (value: number) => ({
    family: 'container_fs_writes_bytes_total',
    value,
    labels: { device: '/dev/sda' },
  });
  const rss: RowValue = { family: 'container_memory_rss', value: 1 };
  for (let count = 0; count < 9; count += 1) {
    await under.clock.advance(15_000);
    const busy = count === 3 || count === 4 ? [rss] : [rss, written(1_000 + 150 * count)];
    const containers = { busy, idle: [rss, written(1 + 15 * count)] };
    under.scrape(rowsOf([web([], { containers })]));
    if (count > 0) assert.equal(await under.valueOf('fs_write_bytes_per_second'), 11, `after scrape ${count}`);
  }
});

test('a container that has restarted takes nothing from the sum while its CPU series is still to come', async () => {
  for (const metric of ['cpu_usage_cores', 'cpu_user_cores', 'cpu_system_cores']) {
    const under = createNode([metric, 'memory_rss_bytes']);
    const family = `container_${metric.replace('_cores', '_seconds_total')}`;
    const labels = metric === 'cpu_usage_cores' ? { cpu: 'total' } : {};
    const rss: RowValue = { family: 'container_memory_rss', value: 1 };
    const rows = (count: number): RowValue[] => [rss, { family, labels, value: 1 + 3 * count }];
    for (let count = 0; count < 7; count += 1) {
      await under.clock.advance(15_000);
      // cAdvisor writes no CPU usage before there is some.
      const app = count === 3 ? [rss, { family, labels, value: Number.NaN }] : rows(count);
      const containers = { app, sidecar: rows(count) };
      under.scrape(rowsOf([web([], { containers, attempts: { app: count < 3 ? 1 : 2 } })]));
      if (count > 0) assert.equal(await under.valueOf(metric), 0.4, `${metric} after scrape ${count}`);
    }
  }
});

test('without a container that never has CPU series a pod has the CPU of the others, and later ones with it', async () => {
  const under = createNode(['cpu_system_cores', 'memory_rss_bytes']);
  const rss: RowValue = { family: 'container_memory_rss', value: 1 };
  for (let count = 0; count < 12; count += 1) {
    await under.clock.advance(15_000);
    const app = [rss, { family: 'container_cpu_system_seconds_total', value: 3 * count }];
    under.scrape(rowsOf([web([], { containers: { app, dark: [rss] } })]));
    const [sample] = (await under.get('cpu_system_cores', 'pods', 'shop', 'web-0')).samples;
    if (count < 4) assert.equal(sample, undefined);
    if (count > 6) assert.equal(sample?.timestampMs, under.clock.wallMs());
  }
  assert.equal(await under.valueOf('cpu_system_cores'), 0.2);
});

test('without a container that never has a second sample, a pod has a new value with each scrape', async () => {
  const under = createNode(['cpu_system_cores']);
  const system = (seconds: number): RowValue[] => [{ family: 'container_cpu_system_seconds_total', value: seconds }];
  for (let scrape = 0; scrape < 20; scrape += 1) {
    await under.clock.advance(15_000);
    const containers = { app: system(scrape * scrape), fails: system(1) };
    under.scrape(rowsOf([web([], { containers, attempts: { fails: scrape } })]));
    const { samples, pending } = await under.get('cpu_system_cores', 'pods', 'shop', 'web-0');
    // The other one may have its second sample soon.
    if (scrape < 4) assert.deepEqual(samples, []);
    if (scrape < 6) continue;
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

describe('a container that a scrape lacks', () => {
  const system = (seconds: number): RowValue[] => [{ family: 'container_cpu_system_seconds_total', value: seconds }];
  const rows = (seconds: number, names: readonly string[]) =>
    rowsOf([web([], { containers: Object.fromEntries(names.map((name) => [name, system(seconds)])) })]);
  const both = ['app', 'sidecar'];
  /** Returns the values after each scrape but the first; undefined without one. */
  const scrapes = async (under: NodeUnderTest, all: readonly (readonly [number, readonly string[]])[]) => {
    const values: (number | undefined)[] = [];
    for (const [seconds, names] of all) {
      await under.clock.advance(15_000);
      under.scrape(rows(seconds, names));
      const [sample] = (await under.get('cpu_system_cores', 'pods', 'shop', 'web-0')).samples;
      values.push(sample && Number(sample.valueMilli) / 1000);
    }
    return values.slice(1);
  };

  test('takes nothing from the sum for as long as a value stands, and has a rate when it is back', async () => {
    const values = await scrapes(createNode(['cpu_system_cores']), [
      [1, both],
      [4, both],
      [7, ['app']],
      [10, both],
      [13, both],
    ]);
    assert.deepEqual(values, [0.4, 0.4, 0.4, 0.4]);
  });

  test('takes nothing from the highest of the containers either', async () => {
    const under = createNode(['memory_limit_utilization']);
    const used = (bytes: number): RowValue[] => [
      { family: 'container_memory_working_set_bytes', value: bytes },
      { family: 'container_spec_memory_limit_bytes', value: 1_000, untimed: true },
    ];
    const scrape = async (containers: PodRows['containers']) => {
      await under.clock.advance(15_000);
      under.scrape(rowsOf([web([], { containers })]));
      return under.valueOf('memory_limit_utilization');
    };
    assert.equal(await scrape({ app: used(100), busy: used(900) }), 0.9);
    assert.equal(await scrape({ app: used(100) }), 0.9);
    // Nor does one whose limit is missing.
    assert.equal(await scrape({ app: used(100), busy: used(900) }), 0.9);
    assert.equal(await scrape({ app: used(100), busy: used(900).slice(0, 1) }), 0.9);
  });

  test('has ended after that, and the others follow without a gap', async () => {
    const values = await scrapes(createNode(['cpu_system_cores']), [
      [1, both],
      ...[4, 7, 10, 13, 16, 19].map((each) => [each, each === 4 ? both : ['app']] as const),
    ]);
    assert.deepEqual(values, [0.4, 0.4, 0.4, 0.4, 0.2, 0.2]);
  });

  test('is followed by the others as soon as the value is stale, not with the next scrape', async () => {
    const under = createNode(['cpu_system_cores']);
    const values = await scrapes(under, [
      [1, both],
      [4, both],
      [7, ['app']],
      [10, ['app']],
    ]);
    assert.deepEqual(values, [0.4, 0.4, 0.4]);
    await under.clock.advance(15_001);
    assert.equal(await under.valueOf('cpu_system_cores'), 0.2);
  });

  test('has ended when another container follows it, whose value is not the one before', async () => {
    const all = [
      [1, ['init']],
      [3, ['init']],
      [4, ['app']],
      [7, ['app']],
    ] as const;
    const first = 2 / 15;
    const of = async (hasEnded?: boolean) =>
      scrapes(createNode(['cpu_system_cores'], hasEnded === undefined ? {} : { hasEnded }), all);
    const rounded = Math.trunc(first * 1000) / 1000;
    assert.deepEqual(await of(), [rounded, undefined, 0.2]);
    assert.deepEqual(await of(true), [rounded, undefined, 0.2]);
    // The API says that it runs: a sidecar, of which a scrape lacks the series.
    assert.deepEqual(await of(false), [rounded, rounded, rounded]);
  });

  test('has ended at once when the API says so', async () => {
    const values = await scrapes(createNode(['cpu_system_cores'], { hasEnded: true }), [
      [1, both],
      [4, both],
      [7, ['app']],
    ]);
    assert.deepEqual(values, [0.4, 0.2]);
  });

  test("takes nothing of the pod's traffic when it has ended", async () => {
    const under = createNode([receive], { hasEnded: true });
    const scrape = async (bytes: number, containers: PodRows['containers'], sandboxAttempt: number) => {
      await under.clock.advance(15_000);
      under.scrape(rowsOf([web(traffic(bytes), { containers, sandboxAttempt })]));
    };
    await scrape(0, { app: [], job: [] }, 1);
    await scrape(150, { app: [], job: [] }, 1);
    await scrape(5, { app: [] }, 2);
    assert.equal(await under.valueOf(receive), 10);
  });

  test('is not served with its last rate for ever when only its series stay away', async () => {
    const under = createNode(['cpu_system_cores', 'memory_rss_bytes']);
    const rss: RowValue = { family: 'container_memory_rss', value: 1 };
    let last = 0;
    for (let count = 0; count < 10; count += 1) {
      await under.clock.advance(15_000);
      const app = [rss, ...system(1 + 3 * count)];
      under.scrape(rowsOf([web([], { containers: { app, sidecar: count < 3 ? app : [] } })]));
      if (count > 0) last = await under.valueOf('cpu_system_cores');
    }
    assert.equal(last, 0.2);
  });

  test('does not make a served part of the pod smaller', async () => {
    const under = createNode(['cpu_system_cores']);
    let count = 0;
    const scrape = async (names: readonly string[], attempt: number) => {
      await under.clock.advance(15_000);
      count += 1;
      const containers = Object.fromEntries(names.map((name) => [name, system(1 + 3 * count)]));
      under.scrape(rowsOf([web([], { containers, attempts: { fails: attempt } })]));
      const [sample] = (await under.get('cpu_system_cores', 'pods', 'shop', 'web-0')).samples;
      return sample && Number(sample.valueMilli) / 1000;
    };
    // A container that never has a second sample: the others are served after a while.
    for (let attempt = 0; attempt < 8; attempt += 1) await scrape(['app', 'sidecar', 'fails'], attempt);
    assert.equal(await scrape(['app', 'sidecar', 'fails'], 8), 0.4);
    assert.equal(await scrape(['app', 'fails'], 9), 0.4);
    assert.equal(await scrape(['app', 'sidecar', 'fails'], 10), 0.4);
  });
});

describe('a counter whose first sample is 0', () => {
  const cpuMetrics = {
    cpu_usage_cores: { family: 'container_cpu_usage_seconds_total', labels: { cpu: 'total' } },
    cpu_user_cores: { family: 'container_cpu_user_seconds_total' },
    cpu_system_cores: { family: 'container_cpu_system_seconds_total' },
    cpu_throttled_seconds_per_second: { family: 'container_cpu_cfs_throttled_seconds_total' },
    memory_major_page_faults_per_second: {
      family: 'container_memory_failures_total',
      labels: { failure_type: 'pgmajfault', scope: 'container' },
    },
    fs_read_bytes_per_second: { family: 'container_fs_reads_bytes_total', labels: { device: '/dev/vda' } },
  } as const;

  for (const [metric, row] of Object.entries(cpuMetrics)) {
    test(`has no rate of its whole life: ${metric}`, async () => {
      const under = createNode([metric]);
      const rows = (value: number) => rowsOf([web([], { containers: { app: [{ ...row, value }] } })]);
      await scrapeTwice(under, rows(0), rows(90_000));
      const first = await under.get(metric, 'pods', 'shop', 'web-0');
      assert.deepEqual(first.samples, [], 'unread at first, for all that is known');
      await under.clock.advance(15_000);
      under.scrape(rows(90_003));
      assert.equal(await under.valueOf(metric), 0.2);
    });
  }

  test('is 0 while it stays there', async () => {
    const under = createNode(['cpu_throttled_seconds_per_second']);
    const row = { family: 'container_cpu_cfs_throttled_seconds_total', value: 0 };
    const rows = rowsOf([web([], { containers: { app: [row] } })]);
    await scrapeTwice(under, rows, rows);
    assert.equal(await under.valueOf('cpu_throttled_seconds_per_second'), 0);
  });

  test('counts from 0 where it cannot be unread: traffic', async () => {
    const under = createNode([receive]);
    await scrapeTwice(under, rowsOf([web(traffic(0))]), rowsOf([web(traffic(150))]));
    assert.equal(await under.valueOf(receive), 10);
  });
});

describe('a first working set of 0', () => {
  const rows = (bytes: number) =>
    rowsOf([web([], { containers: { app: [{ family: 'container_memory_working_set_bytes', value: bytes }] } })]);

  test('is of a cgroup that could not be read, and not served', async () => {
    const under = createNode(['memory_working_set_bytes']);
    under.scrape(rows(0));
    assert.deepEqual((await under.get('memory_working_set_bytes', 'pods', 'shop', 'web-0')).samples, []);
    await under.clock.advance(15_000);
    under.scrape(rows(500));
    assert.equal(await under.valueOf('memory_working_set_bytes'), 500);
  });

  test('is served when it lasts', async () => {
    for (const windowMs of [15_000, 60_000]) {
      const under = createNode(['memory_working_set_bytes'], { windowMs });
      for (let count = 0; count < 5; count += 1) {
        under.scrape(rows(0));
        await under.clock.advance(15_000);
      }
      assert.equal(await under.valueOf('memory_working_set_bytes'), 0);
    }
  });
});

describe('an impossible sample', () => {
  const used = (seconds: number) =>
    rowsOf([web([], { containers: { app: [{ family: 'container_cpu_system_seconds_total', value: seconds }] } })]);
  const values = async (under: NodeUnderTest, all: readonly number[]) => {
    const served: (number | undefined)[] = [];
    for (const seconds of all) {
      await under.clock.advance(15_000);
      under.scrape(used(seconds));
      const [sample] = (await under.get('cpu_system_cores', 'pods', 'shop', 'web-0')).samples;
      served.push(sample && Number(sample.valueMilli) / 1000);
    }
    return served.slice(1);
  };
  const fourCores = { capacityCores: 4 };

  test('of more CPU than the node has is left out', async () => {
    const under = createNode(['cpu_system_cores'], fourCores);
    assert.deepEqual(await values(under, [100, 103, 1.73e9, 109, 112]), [0.2, 0.2, 0.2, 0.2]);
  });

  test('that the next one follows is of another counter', async () => {
    const under = createNode(['cpu_system_cores'], fourCores);
    // In 30 s four cores could have used it.
    assert.deepEqual(await values(under, [100, 103, 220, 223, 226]), [0.2, 0.2, 0.2, 0.2]);
  });

  test('that is lower makes no rate when the counter goes on', async () => {
    const under = createNode(['cpu_system_cores'], fourCores);
    assert.deepEqual(await values(under, [30, 33, 5, 39, 42]), [0.2, 0.2, 0.2, 0.2]);
    const network = createNode([receive]);
    for (const bytes of [1e9, 1e9 + 150, 7, 1e9 + 450, 1e9 + 600]) {
      await network.clock.advance(15_000);
      network.scrape(rowsOf([web(traffic(bytes))]));
      if (bytes !== 1e9) assert.equal(await network.valueOf(receive), 10);
    }
  });

  test('of pressure beyond a second per second is left out, and is no pressure of 1', async () => {
    const under = createNode(['cpu_pressure_waiting_ratio']);
    for (const seconds of [100, 103, 4_000, 109]) {
      await under.clock.advance(15_000);
      const own = [{ family: 'container_pressure_cpu_waiting_seconds_total', value: seconds }];
      under.scrape(rowsOf([web([], { own })]));
      if (seconds !== 100) assert.equal(await under.valueOf('cpu_pressure_waiting_ratio'), 0.2);
    }
  });

  for (const [metric, family, possible, impossible] of [
    ['memory_rss_bytes', 'container_memory_rss', 9e9, 2e10],
    ['memory_working_set_bytes', 'container_memory_working_set_bytes', 9e9, 2e10],
    ['threads', 'container_threads', 4e6, 5e6],
  ] as const) {
    test(`of more than the node can have is left out: ${metric}`, async () => {
      const under = createNode([metric], { capacityMemoryBytes: 1e10 });
      for (const value of [possible, impossible]) {
        await under.clock.advance(15_000);
        under.scrape(rowsOf([web([], { containers: { app: [{ family, value }] } })]));
        assert.equal(await under.valueOf(metric), possible);
      }
    });
  }

  test('of more traffic than links carry is left out', async () => {
    const under = createNode([receive]);
    for (const bytes of [1_000, 1_150, 2 ** 63, 1_450]) {
      await under.clock.advance(15_000);
      under.scrape(rowsOf([web(traffic(bytes))]));
      if (bytes !== 1_000) assert.equal(await under.valueOf(receive), 10);
    }
  });
});

test('throttled periods and periods are counted over the same interval', async () => {
  const under = createNode(['cpu_throttled_ratio']);
  for (const [throttled, periods] of [
    [100, 1_000],
    [150, 1_150],
    [undefined, 1_300],
    [5, 1_450],
    [80, 1_600],
  ] as const) {
    await under.clock.advance(15_000);
    const rows: RowValue[] = [{ family: 'container_cpu_cfs_periods_total', value: periods }];
    if (throttled !== undefined) {
      rows.push({ family: 'container_cpu_cfs_throttled_periods_total', value: throttled });
    }
    under.scrape(rowsOf([web([], { containers: { app: rows } })]));
  }
  assert.equal(await under.valueOf('cpu_throttled_ratio'), 0.5);
});

test('what is kept is counted as it is after each scrape, and nothing is left of it', async () => {
  const under = createNode([receive, 'cpu_system_cores']);
  const row = (value: number): RowValue => ({ family: 'container_cpu_system_seconds_total', value });
  const pod = (name: string, containers: readonly string[], value: number): PodRows =>
    web(traffic(value), { name, containers: Object.fromEntries(containers.map((each) => [each, [row(value)]])) });
  const seen: unknown[] = [];
  for (const pods of [
    [pod('web-0', ['app'], 1), pod('web-1', ['app', 'other'], 1)],
    [pod('web-0', ['app'], 2), pod('web-1', ['app', 'other'], 2)],
    [pod('web-0', ['app'], 3)],
  ]) {
    under.scrape(rowsOf(pods));
    const { bytes, ...counts } = under.store.counts();
    // Per cgroup with one column: ten samples with their times, and four numbers to compare the next one with.
    seen.push({ ...counts, cgroups: bytes / (8 * (10 * 2 + 4)) });
    await under.clock.advance(46_000);
  }
  assert.deepEqual(seen, [
    { pods: 2, numbers: 0, refused: 0, cgroups: 5 },
    { pods: 2, numbers: 4, refused: 0, cgroups: 5 },
    { pods: 1, numbers: 2, refused: 0, cgroups: 2 },
  ]);
  under.store.forget(node);
  assert.deepEqual(under.store.counts(), { pods: 0, numbers: 0, bytes: 0, refused: 0 });
});
