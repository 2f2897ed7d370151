/**
 * Reads custom metrics from answers of real kubelets: those of the test cluster, and those in the folder that CADVISOR_CAPTURES names, which are not
 * part of the project. Each is scraped three times; each time after the first one every counter has grown, by as many as its place, and every sample is 15 s newer.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { catalogue } from '../../../src/kubeletsource/catalogue.ts';
import { textContentType } from '../../fakes/exposition.ts';
import { createNode, node, type NodeUnderTest, type PodRows } from './nodescrapes.ts';

const ownFolder = path.resolve(import.meta.dirname, '../../testdata/captures');
const outsideFolder = process.env['CADVISOR_CAPTURES'] ?? '';

function capture(name: string): string | undefined {
  const own = path.join(ownFolder, `${name}.gz`);
  if (existsSync(own)) return gunzipSync(readFileSync(own)).toString();
  const outside = path.join(outsideFolder, name);
  return outsideFolder !== '' && existsSync(outside) ? readFileSync(outside, 'utf8') : undefined;
}

type Series = Readonly<Record<string, string>> & { readonly family: string; readonly value: string };

function seriesIn(text: string): Series[] {
  return [...text.matchAll(/^([a-z_]+)\{(.*)\} (\S+)(?: \d+)?$/gm)].map(([, family = '', labels = '', value = '']) => ({
    ...Object.fromEntries(
      [...labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', each = '']) => [key, each]),
    ),
    family,
    value,
  }));
}

/** Adds to each counter and moves each time. */
function later(text: string, addMs: number, add: (family: string, labels: string) => number): string {
  return text.replaceAll(
    /^([a-z_]+)(\{.*\}) (\S+) (\d+)$/gm,
    (_, family: string, labels: string, value: string, time: string) => {
      const grown = family.endsWith('_total') ? Number(value) + add(family, labels) : Number(value);
      return `${family}${labels} ${grown} ${Number(time) + addMs}`;
    },
  );
}

const newestMs = (text: string): number =>
  Math.max(...[...text.matchAll(/ (\d{13})$/gm)].map(([, time]) => Number(time)));

/** Returns the pods of the rows, with the UID that is in their cgroups' paths. */
function podsIn(
  series: readonly Series[],
  hostNetwork: (pod: string) => boolean,
): (Pick<PodRows, 'namespace' | 'name' | 'hostNetwork'> & { uid: string })[] {
  const pods = new Map<string, Pick<PodRows, 'namespace' | 'name' | 'hostNetwork'> & { uid: string }>();
  for (const { namespace = '', pod = '', id = '', container = '' } of series) {
    const uid = /pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})/
      .exec(id)?.[1]
      ?.replaceAll('_', '-');
    if (pod === '' || uid === undefined || container === '' || container === 'POD') continue;
    pods.set(pod, { namespace, name: pod, uid, hostNetwork: hostNetwork(pod) });
  }
  return [...pods.values()];
}

interface Scraped {
  readonly under: NodeUnderTest;
  readonly text: string;
  readonly series: readonly Series[];
  readonly pods: ReturnType<typeof podsIn>;
}

async function scrapeCapture(
  text: string,
  metrics: readonly string[],
  perSecond: (family: string, labels: string) => number,
  hostNetwork: (pod: string) => boolean = () => false,
): Promise<Scraped> {
  const under = createNode(metrics);
  const series = seriesIn(text);
  const pods = podsIn(series, hostNetwork);
  under.setPods(pods);
  // The captures are from before the clock's time; only distances count.
  const shiftMs = under.clock.wallMs() - newestMs(text) - 2_000;
  const scrape = (addMs: number, add: (family: string, labels: string) => number) =>
    under.scrapeBody({ bytes: Buffer.from(later(text, shiftMs + addMs, add)), contentType: textContentType });
  scrape(0, () => 0);
  // A counter of 0 begins with the sample after it.
  for (const count of [1, 2]) {
    await under.clock.advance(15_000);
    scrape(count * 15_000, (family, labels) => count * 15 * perSecond(family, labels));
  }
  return { under, text, series, pods };
}

async function valuesOf({ under, pods }: Scraped, metric: string): Promise<Map<string, number>> {
  const values = new Map<string, number>();
  for (const namespace of new Set(pods.map((pod) => pod.namespace))) {
    const names = pods.filter((pod) => pod.namespace === namespace).map(({ name }) => name);
    for (const { name, valueMilli } of (await under.get(metric, 'pods', namespace, names)).samples)
      values.set(name, Number(valueMilli) / 1000);
  }
  return values;
}

const isOf = (labels: string, label: string, value: string) => labels.includes(`${label}="${value}"`);

interface CaptureFacts {
  readonly hasPressure?: boolean;
  readonly hasLimits?: boolean;
  readonly hasDisk?: boolean;
  readonly hasNetwork?: boolean;
}

const captures: Readonly<Record<string, CaptureFacts>> = {
  'restarted-cadvisor-whole.prom': { hasLimits: true },
  'own-k8s1.36.3-containerd2-cgroupv1.prom': {},
  'nri-1.17-docker-v1.prom': { hasLimits: true },
  'nri-1.22-docker-systemd-v1.prom': { hasLimits: true },
  'nri-1.24-kind-systemd.prom': { hasLimits: true, hasDisk: true },
  'nri-1.28.prom': { hasLimits: true, hasDisk: true },
  'nri-1.31.prom': { hasLimits: true, hasDisk: true },
  'nri-1.34.prom': { hasLimits: true, hasDisk: true, hasPressure: true },
};

for (const [name, facts] of Object.entries(captures)) {
  const text = capture(name);
  const skip = text === undefined ? `${name} was not given (CADVISOR_CAPTURES)` : false;

  test(`${name}: the traffic of a pod is that of its sandbox's own interfaces, once`, { skip }, async () => {
    // Each interface of each sandbox receives 10 bytes a second.
    const family = 'container_network_receive_bytes_total';
    const scraped = await scrapeCapture(text!, ['network_receive_bytes_per_second'], (of) => (of === family ? 10 : 0));
    // Other interfaces of these captures are the kernel's tunnels, and ifb of the test machine.
    const isOwn = (each: Series) => each.family === family && each['interface'] === 'eth0';
    const values = await valuesOf(scraped, 'network_receive_bytes_per_second');
    assert.equal(values.size, scraped.pods.length);
    for (const [pod, value] of values) {
      const interfaces = scraped.series.filter((each) => isOwn(each) && each['pod'] === pod);
      assert.equal(value, 10 * interfaces.length, pod);
    }
    const ofNode = await scraped.under.get('network_receive_bytes_per_second', 'nodes', '', node);
    const interfaces = scraped.series.filter((each) => isOwn(each) && each['id'] === '/');
    assert.equal(ofNode.samples[0]?.valueMilli, BigInt(10_000 * interfaces.length));
  });

  test(`${name}: memory is the sum over containers, without sandbox and pod row`, { skip }, async () => {
    const scraped = await scrapeCapture(text!, ['memory_rss_bytes'], () => 0);
    const values = await valuesOf(scraped, 'memory_rss_bytes');
    assert.equal(values.size, scraped.pods.length);
    for (const [pod, value] of values) {
      const rows = scraped.series.filter((each) => each.family === 'container_memory_rss' && each['pod'] === pod);
      const containers = rows.filter(({ container = '' }) => container !== '' && container !== 'POD');
      assert.equal(
        value,
        containers.reduce((sum, each) => sum + Number(each.value), 0),
        pod,
      );
    }
  });

  test(`${name}: CPU of containers is added, and throttling is that of the most throttled one`, { skip }, async () => {
    const metrics = ['cpu_usage_cores', 'cpu_throttled_ratio'];
    const scraped = await scrapeCapture(text!, metrics, (family, labels) => {
      if (isOf(labels, 'container', '') || isOf(labels, 'container', 'POD')) return 1;
      if (family === 'container_cpu_usage_seconds_total') return 0.25;
      return { container_cpu_cfs_periods_total: 10, container_cpu_cfs_throttled_periods_total: 4 }[family] ?? 0;
    });
    const used = await valuesOf(scraped, 'cpu_usage_cores');
    const ofContainers = (family: string, pod: string) =>
      scraped.series.filter(
        (each) => each.family === family && each['pod'] === pod && !['', 'POD'].includes(each['container'] ?? ''),
      );
    for (const { name: pod } of scraped.pods) {
      const containers = ofContainers('container_cpu_usage_seconds_total', pod);
      assert.ok(Math.abs((used.get(pod) ?? 0) - 0.25 * containers.length) <= 0.0015, `${pod}: ${used.get(pod)}`);
    }
    const throttled = await valuesOf(scraped, 'cpu_throttled_ratio');
    const limited = scraped.pods.filter(
      ({ name: pod }) => ofContainers('container_cpu_cfs_periods_total', pod).length > 0,
    );
    assert.deepEqual([...throttled.keys()].sort(), limited.map((pod) => pod.name).sort());
    for (const [pod, ratio] of throttled) assert.equal(ratio, 0.4, pod);
    assert.equal(limited.length > 0, facts.hasLimits === true);
  });

  test(`${name}: pressure ${facts.hasPressure === true ? "is the pod row's" : 'is not known'}`, { skip }, async () => {
    const scraped = await scrapeCapture(text!, ['io_pressure_waiting_ratio'], (_, labels) =>
      isOf(labels, 'container', '') && isOf(labels, 'name', '') ? 0.5 : 0.125,
    );
    const values = await valuesOf(scraped, 'io_pressure_waiting_ratio');
    assert.deepEqual([...values.values()], facts.hasPressure === true ? scraped.pods.map(() => 0.5) : []);
  });

  test(`${name}: every metric of the catalogue is a number or has a cause`, { skip }, async () => {
    const scraped = await scrapeCapture(
      text!,
      catalogue.map((metric) => metric.name),
      () => 0.01,
    );
    for (const metric of catalogue) {
      for (const { namespace, name: pod } of scraped.pods) {
        const answer = await scraped.under.get(metric.name, 'pods', namespace, pod);
        assert.ok(
          answer.samples.length === 1 || answer.causes?.[0]?.reason === 'NoSuchSeries',
          `${metric.name} of ${pod}: ${answer.pending}`,
        );
      }
    }
  });
}

test('nri-1.34.prom: pods with the network of the node have its counters, and are not served', {
  skip: capture('nri-1.34.prom') === undefined,
}, async () => {
  const text = capture('nri-1.34.prom')!;
  const pods = JSON.parse(capture('nri-1.34-pods.json')!) as {
    items: { metadata: { name: string }; spec: { hostNetwork?: boolean } }[];
  };
  const hosts = new Set(
    pods.items.filter(({ spec }) => spec.hostNetwork === true).map(({ metadata }) => metadata.name),
  );
  const scraped = await scrapeCapture(
    text,
    ['network_receive_bytes_per_second'],
    () => 10,
    (pod) => hosts.has(pod),
  );
  const values = await valuesOf(scraped, 'network_receive_bytes_per_second');
  assert.equal(hosts.size, 8);
  assert.equal(values.size, scraped.pods.length - hosts.size);
  for (const pod of values.keys()) assert.ok(!hosts.has(pod), pod);
});

for (const shape of ['shape-crio-systemd-v2.prom', 'shape-containerd-systemd-v2.prom']) {
  test(`${shape}: CPU and memory of a pod are those of its containers`, async () => {
    const text = readFileSync(path.resolve(import.meta.dirname, '../../testdata/cadvisor', shape), 'utf8');
    const metrics = ['cpu_usage_cores', 'memory_working_set_bytes'];
    const scraped = await scrapeCapture(text, metrics, (_, labels) =>
      isOf(labels, 'container', '') || isOf(labels, 'container', 'POD') ? 1 : 0.25,
    );
    const [cores, bytes] = [await valuesOf(scraped, metrics[0]!), await valuesOf(scraped, metrics[1]!)];
    assert.ok(scraped.pods.length > 0);
    for (const { name: pod } of scraped.pods) {
      const rows = (family: string) =>
        scraped.series.filter(
          (each) => each.family === family && each['pod'] === pod && !['', 'POD'].includes(each['container'] ?? ''),
        );
      assert.ok(
        Math.abs((cores.get(pod) ?? 0) - 0.25 * rows('container_cpu_usage_seconds_total').length) <= 0.0015,
        pod,
      );
      const sum = rows('container_memory_working_set_bytes').reduce((all, { value }) => all + Number(value), 0);
      assert.equal(bytes.get(pod), sum, pod);
    }
  });
}
