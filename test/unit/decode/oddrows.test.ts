/** Holds that a row without a possible value, or a missing row, in one scrape never changes which containers of its pod are served, nor their numbers. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answerTime } from '../../../src/decode/sampletime.ts';
import type { Decoder } from '../../../src/decode/decoder.ts';
import { createAdmission } from '../../../src/storage/admission.ts';
import { createStorage } from '../../../src/storage/storage.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import {
  delimitedContentType,
  encodeDelimited,
  encodeText,
  type Family,
  type FamilySample,
  textContentType,
} from '../../fakes/exposition.ts';
import { cadvisorDecoder, resourceDecoder } from './decodewhole.ts';

const startMs = 1_795_377_600_000;
const stepMs = 15_000;
const uid = '66bbaa5b-bd35-4f20-902f-f9e469f6c321';
const cores = 0.1;
const memoryBytes = 1e6;

type Labels = Readonly<Record<string, string>>;

/** The values of one cgroup, or line; one that is undefined has no row. */
interface Row {
  readonly labels: Labels;
  readonly cpu?: number | undefined;
  readonly memory?: number | undefined;
  readonly start?: number | undefined;
  /** Milliseconds before the answer; 1,000 where none is given. */
  readonly ageMs?: number;
}

interface Scenario {
  readonly decoder: () => Decoder;
  /** The rows of a scrape, and of the machine. */
  readonly families: (rows: readonly Row[], nowMs: number) => Family[];
  /** Returns the rows of the scrape with this number; the fourth is odd. */
  readonly rows: (scrape: number) => readonly Row[];
}

const oddScrape = 4;
const scrapes = 9;

/** Returns what is served after each scrape: container, cores, bytes and number of the sample's scrape. */
function serve({ decoder: createDecoder, families, rows }: Scenario, asText: boolean): string[] {
  const clock = createFakeClock(startMs);
  const storage = createStorage({ clock, resolutionMs: stepMs, stalenessMs: 45_000 });
  const known = { uid, configHash: undefined, node: 'node-1', createdSeconds: undefined };
  const admission = createAdmission({
    knownPod: () => known,
    bindings: storage,
    onForeign: () => assert.fail(),
    onConflict: () => assert.fail(),
  });
  const decoder = createDecoder();
  return Array.from({ length: scrapes }, (_, scrape) => {
    if (scrape > 0) clock.jump(stepMs);
    const nowMs = startMs + scrape * stepMs;
    const all = families(rows(scrape), nowMs);
    const decoding = decoder.begin(asText ? textContentType : delimitedContentType);
    decoding?.write(asText ? encodeText(all) : encodeDelimited(all));
    const decoded = decoding?.finish(answerTime(nowMs, nowMs));
    if (decoded?.kind !== 'batch') assert.fail(`scrape ${scrape}: ${decoded?.kind} ${decoded?.reason}`);
    storage.store(admission.admit(decoded.batch, 0));
    const usage = storage.podUsage({ namespace: 'shop', name: 'web-0', ...known });
    if (usage.kind === 'missing') return usage.reason;
    const containers = usage.value.containers.map(
      (each) => `${each.name} ${each.cpuNanocores / 1e9} ${each.memoryBytes}`,
    );
    return [...containers, (usage.value.timestampMs + 1_000 - startMs) / stepMs].join(', ');
  });
}

const whole = (scrape: number) => `app ${cores} ${memoryBytes}, side ${cores} ${memoryBytes}, ${scrape}`;

/**
 * Holds what is served after each scrape to a text, by protobuf and by text.
 * @param isFresh whether the newest sample is served after a scrape; otherwise the previous one is.
 */
function check(what: string, scenario: Scenario, isFresh: (scrape: number) => boolean): void {
  for (const [format, asText] of [
    ['text', true],
    ['protobuf', false],
  ] as const) {
    test(`${what}, in ${format}`, () => {
      let last = 1;
      const expected = Array.from({ length: scrapes }, (_, scrape) => {
        if (scrape === 0) return 'one-sample';
        if (isFresh(scrape)) last = scrape;
        return whole(last);
      });
      assert.deepEqual(serve(scenario, asText), expected);
    });
  }
}

const cpuAt = (scrape: number) => 100 + (scrape * stepMs * cores) / 1000;
const sample = (labels: Labels, value: number | undefined, nowMs: number, ageMs = 1_000): FamilySample[] =>
  value === undefined ? [] : [{ labels, value, timestampMs: nowMs - ageMs }];
const family = (name: string, samples: readonly FamilySample[]): Family => ({
  name,
  help: name,
  type: name.endsWith('_total') ? 'counter' : 'gauge',
  samples,
});
const startsOf = (rows: readonly Row[]) =>
  rows.flatMap(({ labels, start }) => (start === undefined ? [] : [{ labels, value: start }]));

describe('/metrics/cadvisor', () => {
  const blank = { container: '', id: '/', image: '', name: '', namespace: '', pod: '' };
  const labelsOf = (container: string, digit: string, folder = `/kubepods/burstable/pod${uid}`): Labels => ({
    ...blank,
    container,
    id: `${folder}/${digit.repeat(64)}`,
    name: digit.repeat(64),
    namespace: 'shop',
    pod: 'web-0',
  });
  const started = startMs / 1000 - 3_600;
  const live = (scrape: number, labels: Labels): Row => ({
    labels,
    cpu: cpuAt(scrape),
    memory: memoryBytes,
    start: started,
  });
  const app = (scrape: number) => live(scrape, labelsOf('app', '1'));
  const side = (scrape: number) => live(scrape, labelsOf('side', '2'));
  /** The container before this one, whose cgroup lingers with its last values. */
  const dead: Row = { labels: labelsOf('app', '3'), cpu: 5_000, memory: 7e6, start: started - 3_600 };
  const scenario = (rows: Scenario['rows']): Scenario => ({
    decoder: cadvisorDecoder,
    rows,
    families: (of, nowMs) => [
      family('container_cpu_usage_seconds_total', [
        ...sample({ ...blank, cpu: 'total' }, nowMs / 1000 - startMs / 1000 + 10, nowMs),
        ...of.flatMap(({ labels, cpu, ageMs }) => sample({ ...labels, cpu: 'total' }, cpu, nowMs, ageMs)),
      ]),
      family('container_memory_working_set_bytes', [
        ...sample(blank, 1e9, nowMs),
        ...of.flatMap(({ labels, memory, ageMs }) => sample(labels, memory, nowMs, ageMs)),
      ]),
      family('container_start_time_seconds', startsOf(of)),
    ],
  });
  /** How the row of the container looks in the odd scrape. */
  const odd: Readonly<Record<string, Partial<Row> | undefined>> = {
    'without a working set': { memory: undefined },
    'with a working set of NaN': { memory: Number.NaN },
    'with a working set of 0': { memory: 0 },
    'without CPU': { cpu: undefined },
    'with CPU of 0': { cpu: 0 },
    'with nothing but its start': { cpu: undefined, memory: undefined },
    'with nothing at all': undefined,
  };
  const unlessOdd = (scrape: number) => scrape !== oddScrape;

  for (const [what, how] of Object.entries(odd)) {
    const appIn = (scrape: number): Row[] => {
      if (scrape !== oddScrape) return [app(scrape)];
      return how === undefined ? [] : [{ ...app(scrape), ...how }];
    };
    describe(`a row ${what} for one scrape`, () => {
      check(
        'alone',
        scenario((scrape) => [...appIn(scrape), side(scrape)]),
        unlessOdd,
      );
      check(
        'beside its dead predecessor with values',
        scenario((scrape) => [...appIn(scrape), side(scrape), dead]),
        unlessOdd,
      );
      check(
        'behind its dead predecessor with values',
        scenario((scrape) => [dead, ...appIn(scrape), side(scrape)]),
        unlessOdd,
      );
      // The other path is taken for a scrape, as another cgroup; from there on it takes two samples.
      const other = (scrape: number, folder: string): Row => ({
        ...app(scrape),
        labels: labelsOf('app', '1', folder),
        cpu: 90 + cpuAt(scrape) / 2,
      });
      for (const [where, folder] of [
        ['as deep', `/pids/burstable/pod${uid}`],
        ['deeper', `/docker/x/kubepods/burstable/pod${uid}`],
      ] as const) {
        const isAway =
          how === undefined || (how.cpu === undefined && how.memory === undefined && 'cpu' in how && 'memory' in how);
        check(
          `beside another path of the same ID, ${where}`,
          scenario((scrape) => [other(scrape, folder), ...appIn(scrape), side(scrape)]),
          (scrape) => scrape !== oddScrape && !(isAway && scrape === oddScrape + 1),
        );
      }
    });
  }
});

describe('/metrics/resource', () => {
  const labelsOf = (container: string): Labels => ({ container, namespace: 'shop', pod: 'web-0' });
  const live = (scrape: number, container: string): Row => ({
    labels: labelsOf(container),
    cpu: cpuAt(scrape),
    memory: memoryBytes,
    start: startMs / 1000 - 3_600.25,
  });
  /** A row of a pod of the same name whose cgroup could not be removed; the kubelet sorts equal labels by their time. */
  const dead: Row = { labels: labelsOf('app'), cpu: 5_000, memory: 7e6, ageMs: 5_000 };
  const scenario = (rows: Scenario['rows']): Scenario => ({
    decoder: resourceDecoder,
    rows,
    families: (of, nowMs) => [
      family(
        'container_cpu_usage_seconds_total',
        of.flatMap(({ labels, cpu, ageMs }) => sample(labels, cpu, nowMs, ageMs)),
      ),
      family(
        'container_memory_working_set_bytes',
        of.flatMap(({ labels, memory, ageMs }) => sample(labels, memory, nowMs, ageMs)),
      ),
      family('container_start_time_seconds', startsOf(of)),
      family('node_cpu_usage_seconds_total', sample({}, (nowMs - startMs) / 1000 + 10, nowMs)),
      family('node_memory_working_set_bytes', sample({}, 1e9, nowMs)),
    ],
  });
  const odd = (scrape: number, row: Row, how: Partial<Row> | undefined): Row[] => {
    if (scrape !== oddScrape) return [row];
    return how === undefined ? [] : [{ ...row, ...how }];
  };
  const unlessOdd = (scrape: number) => scrape !== oddScrape;
  const always = () => true;

  for (const [what, how, isFresh] of [
    ['without its start', { start: undefined }, always],
    ['with a start of NaN', { start: Number.NaN }, always],
    ['without a working set', { memory: undefined }, unlessOdd],
    ['with a working set of 0', { memory: 0 }, unlessOdd],
    ['without CPU', { cpu: undefined }, unlessOdd],
    ['with CPU of 0', { cpu: 0 }, unlessOdd],
    ['with nothing but its start', { cpu: undefined, memory: undefined }, unlessOdd],
    ['with nothing at all', undefined, unlessOdd],
  ] as const) {
    const rows = (scrape: number) => [...odd(scrape, live(scrape, 'app'), how), live(scrape, 'side')];
    check(`a row ${what} for one scrape`, scenario(rows), isFresh);
  }

  check(
    'a start that is reported from one scrape on',
    scenario((scrape) =>
      ['app', 'side'].map((name) => ({ ...live(scrape, name), ...(scrape < oddScrape ? { start: undefined } : {}) })),
    ),
    always,
  );

  for (const [what, how, isFresh] of [
    ['without CPU', { cpu: undefined }, unlessOdd],
    ['without a working set', { memory: undefined }, unlessOdd],
    ['with CPU of NaN', { cpu: Number.NaN }, unlessOdd],
    ['with nothing at all', undefined, unlessOdd],
  ] as const) {
    check(
      `the line that came last ${what} for one scrape`,
      scenario((scrape) => [dead, ...odd(scrape, live(scrape, 'app'), how), live(scrape, 'side')]),
      isFresh,
    );
    check(
      `the other line ${what} for one scrape`,
      scenario((scrape) => [...odd(scrape, dead, how), live(scrape, 'app'), live(scrape, 'side')]),
      always,
    );
  }

  check(
    'the other line, once it has gone,',
    scenario((scrape) => [...(scrape < oddScrape ? [dead] : []), live(scrape, 'app'), live(scrape, 'side')]),
    always,
  );
});
