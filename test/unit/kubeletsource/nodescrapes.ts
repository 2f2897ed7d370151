/** A node's scrapes as rows of cAdvisor, decoded by both passes into a store, and read through the source. */
import assert from 'node:assert/strict';
import { parseLabelSelector } from '../../../src/apimachinery/labels.ts';
import type { PodInfo } from '../../../src/cluster/pods.ts';
import { cadvisor } from '../../../src/decode/cadvisor/cadvisor.ts';
import { createDecoder } from '../../../src/decode/decoder.ts';
import { answerTime } from '../../../src/decode/sampletime.ts';
import { createSeriesDecoder } from '../../../src/decode/series/seriesdecoder.ts';
import { createDemand, type Demand } from '../../../src/kubeletsource/demand.ts';
import { createKubeletSource, type KubeletSource } from '../../../src/kubeletsource/kubeletsource.ts';
import { createSeriesStore, type SeriesStore } from '../../../src/kubeletsource/seriesstore.ts';
import type { CustomAnswer } from '../../../src/metricsource/source.ts';
import { type Encoded, encodeFamilies, type Family, type FamilySample } from '../../fakes/exposition.ts';
import { createFakeClock, type FakeClock } from '../../fakes/clock.ts';
import { hexId, uuid } from '../../fakes/kubeletmodel.ts';

export type Runtime = 'containerd' | 'crio' | 'docker';

/** One series by its family; labels beside the cgroup's. */
export interface RowValue {
  readonly family: string;
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly untimed?: boolean;
}

export interface PodRows {
  readonly namespace: string;
  readonly name: string;
  /** Another one is another pod. Default: one by the name. */
  readonly uid?: string;
  /** Another one is another sandbox. Default: 1. */
  readonly sandboxAttempt?: number;
  readonly sandbox?: readonly RowValue[];
  readonly own?: readonly RowValue[];
  readonly containers: Readonly<Record<string, readonly RowValue[]>>;
  /** By container: another one is another instance. */
  readonly attempts?: Readonly<Record<string, number>>;
  readonly hostNetwork?: boolean;
}

export interface NodeRows {
  readonly runtime: Runtime;
  readonly machine?: readonly RowValue[];
  readonly pods: readonly PodRows[];
}

export const uidOf = ({ uid, namespace, name }: Pick<PodRows, 'uid' | 'namespace' | 'name'>): string =>
  uid ?? uuid(`${namespace}/${name}`);

/** Returns the families as a kubelet with that runtime has them, every cgroup with CPU and memory. */
export function familiesOf({ runtime, machine = [], pods }: NodeRows, timestampMs: number): Family[] {
  const byName = new Map<string, FamilySample[]>();
  const add = (labels: Readonly<Record<string, string>>, rows: readonly RowValue[]): void => {
    const base = [
      { family: 'container_cpu_usage_seconds_total', value: timestampMs / 1e9, labels: { cpu: 'total' } },
      { family: 'container_memory_working_set_bytes', value: 1_000_000 },
    ].filter(({ family }) => !rows.some((row) => row.family === family));
    for (const { family, value, labels: more = {}, untimed = false } of [...base, ...rows] as readonly RowValue[]) {
      const samples = byName.get(family) ?? [];
      byName.set(family, samples);
      const all = { container: '', id: '', image: '', name: '', namespace: '', pod: '', ...labels, ...more };
      samples.push({ labels: all, value, ...(untimed ? {} : { timestampMs }) });
    }
  };
  add({ id: '/' }, machine);
  for (const pod of pods) addPod(add, runtime, pod);
  return [...byName].map(([name, samples]) => ({ name, help: '', type: 'gauge', samples }));
}

type AddRows = (labels: Readonly<Record<string, string>>, rows: readonly RowValue[]) => void;

function addPod(add: AddRows, runtime: Runtime, pod: PodRows): void {
  const { namespace, name, sandbox = [], own = [], containers, sandboxAttempt = 1, attempts = {} } = pod;
  const uid = uidOf(pod);
  const folder =
    runtime === 'containerd'
      ? `/kubepods/burstable/pod${uid}`
      : `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uid.replaceAll('-', '_')}.slice`;
  const idOf = (seed: string): string => {
    const hex = hexId(`${uid}/${seed}`);
    return `${folder}/${{ containerd: hex, crio: `crio-${hex}.scope`, docker: `docker-${hex}.scope` }[runtime]}`;
  };
  const alias = (container: string) =>
    runtime === 'containerd' ? hexId(container) : `k8s_${container}_${name}_${namespace}_${uid}_0`;
  add({ id: folder, namespace, pod: name }, own);
  add(
    {
      id: idOf(`sandbox${sandboxAttempt}`),
      namespace,
      pod: name,
      name: alias('POD'),
      container: runtime === 'containerd' ? '' : 'POD',
      image: runtime === 'crio' ? '' : 'registry.example/pause:1',
    },
    sandbox,
  );
  for (const [container, rows] of Object.entries(containers)) {
    const id = idOf(`${container}${attempts[container] ?? 1}`);
    add({ id, namespace, pod: name, name: alias(container), container, image: 'registry.example/app:1' }, rows);
  }
}

/** A pod of the API; on the node under test by default. */
type ApiPod = Pick<PodRows, 'namespace' | 'name' | 'uid' | 'hostNetwork'> & { readonly node?: string };

export interface NodeUnderTest {
  readonly clock: FakeClock;
  readonly source: KubeletSource;
  readonly store: SeriesStore;
  readonly demand: Demand;
  readonly forwarded: string[];
  /** Sets the metrics that autoscalers name. */
  setAutoscalers(...names: readonly string[]): void;
  /** Scrapes a body at the clock's time. */
  scrapeBody(body: Encoded, hasStepped?: boolean): void;
  /** Scrapes rows sampled `ageMs` ago. @param hasStepped whether the node's clock has. */
  scrape(rows: NodeRows, ageMs?: number, hasStepped?: boolean): void;
  /** Stores a scrape of /metrics/resource. */
  fallBack(): void;
  setPods(pods: readonly ApiPod[]): void;
  get(
    metric: string,
    kind: 'pods' | 'namespaces' | 'nodes',
    namespace: string,
    names: string | readonly string[],
    selector?: string,
  ): Promise<CustomAnswer>;
  /** Returns the value of one pod as a number; fails without one. */
  valueOf(metric: string, name?: string): Promise<number>;
}

interface NodeOptions {
  readonly windowMs?: number;
  readonly resolutionMs?: number;
  readonly protobuf?: boolean;
  /** What the API says of each container. */
  readonly hasEnded?: boolean;
  readonly capacityCores?: number;
  readonly capacityMemoryBytes?: number;
  readonly nodeUid?: string;
  readonly isDemandKnown?: () => boolean;
}

export const node = 'node-1';

export function createNode(always: readonly string[], options: NodeOptions = {}): NodeUnderTest {
  const {
    windowMs = 60_000,
    resolutionMs = 15_000,
    protobuf = true,
    hasEnded,
    capacityCores,
    capacityMemoryBytes,
    nodeUid,
    isDemandKnown = () => true,
  } = options;
  const clock = createFakeClock();
  let notify: (names: ReadonlySet<string>) => void = () => undefined;
  const demand = createDemand({ clock, always, onAutoscalers: (listener) => (notify = listener) });
  const store = createSeriesStore({
    clock,
    windowMs,
    resolutionMs,
    stalenessMs: 45_000,
    capacityCores: () => capacityCores,
    capacityMemoryBytes: () => capacityMemoryBytes,
    hasEnded: () => hasEnded,
    nodeUid: () => nodeUid,
    wanted: demand.metrics,
    isDemandKnown,
  });
  const forwarded: string[] = [];
  let pods: PodInfo[] = [];
  const lister = {
    get: (namespace: string, name: string) => pods.find((pod) => pod.namespace === namespace && pod.name === name),
    list: (namespace?: string) => pods.filter((pod) => namespace === undefined || pod.namespace === namespace),
  };
  const source = createKubeletSource({
    demand,
    store,
    pods: lister,
    bringForward: (name) => void forwarded.push(name),
    resolutionMs,
  });
  const decoder = createDecoder(cadvisor, node);
  const seriesDecoder = createSeriesDecoder();

  const under: NodeUnderTest = {
    clock,
    source,
    store,
    demand,
    forwarded,
    setAutoscalers: (...names) => notify(new Set(names)),
    scrapeBody({ bytes, contentType }, hasStepped = false) {
      const wanted = demand.columns();
      const time = answerTime(clock.wallMs(), clock.wallMs());
      const decoding = decoder.begin(contentType);
      assert.ok(decoding);
      decoding.write(bytes);
      const result = decoding.finish(time);
      assert.equal(result.kind, 'batch', JSON.stringify(result));
      const reading = wanted.length === 0 ? undefined : seriesDecoder.begin(contentType, wanted);
      reading?.write(bytes);
      store.store({ batch: result.batch, series: reading?.finish(time), spacingMs: 0, hasStepped });
    },
    scrape(rows, ageMs = 0, hasStepped = false) {
      under.setPods(rows.pods);
      under.scrapeBody(encodeFamilies(familiesOf(rows, clock.wallMs() - ageMs), protobuf), hasStepped);
    },
    fallBack() {
      const batch = {
        node,
        source: 'resource',
        hasSwap: false,
        layout: { version: 1, pods: [] },
        numbers: new Float64Array(8),
      } as const;
      store.store({ batch, series: undefined, spacingMs: 0, hasStepped: false });
    },
    setPods(rows) {
      pods = rows.map((pod) => ({
        namespace: pod.namespace,
        name: pod.name,
        uid: uidOf(pod),
        labels: new Map(),
        configHash: undefined,
        node: pod.node ?? node,
        createdSeconds: undefined,
        endedContainers: '',
        hostNetwork: pod.hostNetwork ?? false,
      }));
    },
    get(metric, kind, namespace, names, selector = '') {
      const list = typeof names === 'string' ? [names] : names;
      const resource = {
        group: '',
        resource: kind,
        version: 'v1',
        kind: kindNames[kind],
        singular: '',
        namespaced: kind === 'pods',
      };
      const question = {
        metric,
        resource,
        namespace,
        names: list,
        isNamed: typeof names === 'string',
        metricSelector: parseLabelSelector(selector),
        caller: { kind: 'user', name: 'alice' } as const,
      };
      return source.get(question, new AbortController().signal);
    },
    async valueOf(metric, name = 'web-0') {
      const answer = await under.get(metric, 'pods', 'shop', name);
      const [sample] = answer.samples;
      assert.ok(sample !== undefined, `${metric} of ${name}: ${answer.pending}`);
      return Number(sample.valueMilli) / 1000;
    },
  };
  return under;
}

const kindNames = { pods: 'Pod', namespaces: 'Namespace', nodes: 'Node' } as const;
