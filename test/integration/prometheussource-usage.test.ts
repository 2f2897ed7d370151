/** Usages of nodes and pods by resourceRules, over a fake Prometheus. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, suite, test } from 'node:test';
import { queryLimits } from '../../src/promql/answerlimits.ts';
import { parseRules } from '../../src/rules/rules.ts';
import { autoscaler, forever, type RunningSource, runSource } from '../fakes/promqlsource.ts';
import { createFakePrometheus, type FakePrometheus, type VectorElement } from '../fakes/prometheus.ts';

const overrides = '{namespace: {resource: namespace}, node: {resource: node}, pod: {resource: pod}}';
const ruleOf = (series: string) => `
    containerQuery: 'sum by (<<.GroupBy>>) (${series}{<<.LabelMatchers>>,container!=""})'
    nodeQuery: 'sum by (<<.GroupBy>>) (${series}{<<.LabelMatchers>>,id="/"})'
    resources: {overrides: ${overrides}}
    containerLabel: container`;
const rules = `
resourceRules:
  cpu:${ruleOf('cpu')}
  memory:${ruleOf('memory')}
  window: 5m
`;

/** The queries of nodes in its adapter's file. */
const kubePrometheus = {
  cpu:
    'sum by (<<.GroupBy>>) (1 - irate(node_cpu_seconds_total{mode="idle"}[60s]) * on(namespace, pod) group_left(node) ' +
    '(node_namespace_pod:kube_pod_info:{<<.LabelMatchers>>})) or sum by (<<.GroupBy>>) (1 - irate(' +
    'windows_cpu_time_total{mode="idle", job="windows-exporter",<<.LabelMatchers>>}[4m]))',
  memory:
    'sum by (<<.GroupBy>>) (node_memory_MemTotal_bytes{job="node-exporter",<<.LabelMatchers>>} - ' +
    'node_memory_MemAvailable_bytes{job="node-exporter",<<.LabelMatchers>>}) or sum by (<<.GroupBy>>) (' +
    'windows_cs_physical_memory_bytes{job="windows-exporter",<<.LabelMatchers>>} - ' +
    'windows_memory_available_bytes{job="windows-exporter",<<.LabelMatchers>>})',
};

const podOf = (place: string) => {
  const [namespace = '', name = ''] = place.split('/');
  return { namespace, name, uid: `uid-of-${name}` };
};
const user = { kind: 'user', name: 'alice' } as const;

suite('usages by resourceRules', () => {
  let prometheus: FakePrometheus;
  let running: RunningSource;
  /** What is not asked for by the other kind. */
  let vectors: Readonly<Record<'cpu' | 'memory', readonly VectorElement[]>>;

  before(async () => {
    prometheus = await createFakePrometheus();
    running = runSource({ rules, urls: prometheus.url, hasEnded: (_, container) => container === 'init' });
  });
  after(async () => {
    await running?.[Symbol.asyncDispose]();
    await prometheus?.[Symbol.asyncDispose]();
  });
  afterEach(() => {
    prometheus.fault = undefined;
    prometheus.extra = {};
  });

  function answer(cpu: readonly VectorElement[], memory: readonly VectorElement[]): void {
    vectors = { cpu, memory };
    prometheus.resultOf = (query) => vectors[query.includes('(cpu{') ? 'cpu' : 'memory'];
  }

  async function pods(places: readonly string[], { isWhole = false, of = running, caller = autoscaler } = {}) {
    const before = prometheus.requests.length;
    const objects = places.map(podOf);
    const usageOf = await of.source.usage.podUsages({ objects, isWhole, caller }, forever);
    const queries = prometheus.requests.slice(before).map(({ parameters }) => parameters.get('query'));
    return { usages: objects.map(usageOf), queries };
  }

  const container = (pod: string, value: string, name = 'app', more = {}): VectorElement => [
    { pod, container: name, ...more },
    value,
  ];

  test('a pod has all of its containers, with the time of the engine and the window of the file', async () => {
    answer(
      [container('web-0', '0.2509', 'app'), container('web-0', '1', 'a-sidecar')],
      [container('web-0', '123456789.9', 'app'), container('web-0', '1024', 'a-sidecar')],
    );
    const { usages, queries } = await pods(['shop/web-0']);
    const time = { timestampMs: 1_795_913_979_894, windowMs: 300_000 };
    assert.deepEqual(usages, [
      {
        kind: 'ready',
        value: {
          ...time,
          containers: [
            { name: 'a-sidecar', ...time, cpuNanocores: 1_000_000_000, memoryBytes: 1024 },
            { name: 'app', ...time, cpuNanocores: 250_000_000, memoryBytes: 123_456_789 },
          ],
        },
      },
    ]);
    const expected = ['cpu', 'memory'].map(
      (series) => `sum by (pod,container) (${series}{namespace="shop",pod="web-0",container!=""})`,
    );
    assert.deepEqual(new Set(queries), new Set(expected));
  });

  test('a pod is left out, with the reason, where one of its numbers is missing or none', async () => {
    answer(
      [
        container('nan-0', 'NaN'),
        container('new-0', '1'),
        container('new-0', '1', 'late'),
        container('idle-0', '-0.1'),
      ],
      [container('nan-0', '1'), container('new-0', '1'), container('idle-0', '5'), container('unknown-0', '5', '')],
    );
    const { usages } = await pods(['shop/idle-0', 'shop/nan-0', 'shop/new-0', 'shop/unknown-0']);
    const shown = usages.map((usage) =>
      usage.kind === 'missing' ? usage.message : usage.value.containers.map(({ cpuNanocores }) => cpuNanocores),
    );
    assert.deepEqual(shown, [
      [0],
      'container app: no CPU is served for it: the sample is NaN',
      'container late: Prometheus has no sample of its memory',
      'Prometheus has no sample of its containers',
    ]);
  });

  test('a container that has ended is left out, although its rate goes on for its range', async () => {
    answer([container('web-1', '1'), container('web-1', '1', 'init')], [container('web-1', '5')]);
    const [usage] = (await pods(['shop/web-1'])).usages;
    assert.equal(usage?.kind, 'ready');
    assert.deepEqual(usage?.kind === 'ready' && usage.value.containers.map(({ name }) => name), ['app']);
  });

  test('pods of several namespaces are one query each of CPU and memory, and keep apart', async () => {
    const both = ['a', 'b'].map((namespace, index) => container('web-0', `${index + 1}`, 'app', { namespace }));
    answer(both, both);
    const { usages, queries } = await pods(['a/web-0', 'b/web-0'], { isWhole: true });
    assert.deepEqual(
      usages.map((usage) => usage.kind === 'ready' && usage.value.containers[0]?.memoryBytes),
      [1, 2],
    );
    assert.equal(queries.length, 2);
    assert.match(queries[0] ?? '', /by \(namespace,pod,container\) .*\{namespace=~"a\|b",pod="web-0",/);
  });

  test('pods of several namespaces are one query of each also where it is made of two aggregations', async () => {
    const difference = rules.replace(
      /sum by \(<<\.GroupBy>>\) \(cpu\{<<\.LabelMatchers>>,container!=""\}\)/,
      '$& - $&',
    );
    await using other = runSource({ rules: difference, urls: prometheus.url });
    const both = ['a', 'b'].map((namespace, index) => container('web-0', `${index + 1}`, 'app', { namespace }));
    answer(both, both);
    const { usages, queries } = await pods(['a/web-0', 'b/web-0'], { isWhole: true, of: other });
    assert.deepEqual(
      usages.map((usage) => usage.kind === 'ready' && usage.value.containers[0]?.memoryBytes),
      [1, 2],
    );
    assert.equal(queries.length, 2);
    assert.ok(queries.some((query) => query?.includes(' - sum by (namespace,pod,container) (cpu{')));
  });

  test('a query that does not group by the objects is sent for each namespace', async () => {
    const hardCoded = rules.replaceAll('by (<<.GroupBy>>)', 'by (pod, container)');
    await using other = runSource({ rules: hardCoded, urls: prometheus.url });
    answer([container('web-0', '1')], [container('web-0', '5')]);
    const { usages, queries } = await pods(['a/web-0', 'b/web-0'], { of: other });
    assert.deepEqual(new Set(usages.map(({ kind }) => kind)), new Set(['ready']));
    assert.equal(queries.length, 4);
  });

  describe('a query is never longer than VictoriaMetrics takes, and each of many pods and nodes has its own usage', () => {
    const longestQuery = 16_384;
    const names = Array.from({ length: 600 }, (_, index) => `checkout.service-7d4f9c6b5-x${index + 1_000}`);
    const expected = names.map((name) => Number(name.slice(-4)));
    const asked = (query: string, label: string) =>
      names
        .filter((name) => query.includes(name.replaceAll('.', '\\\\.')) || query.includes(`${name}|`))
        .map((name): VectorElement => {
          const value = name.slice(-4);
          return [{ [label]: name, container: 'app' }, value];
        });
    const summed = (...terms: readonly string[]) => `sum by (<<.GroupBy>>) (${terms.join(' - ')})`;
    const term = 'bytes{<<.LabelMatchers>>}';
    const byName = (label: string) => `bytes{${label}=~"<<index .LabelValuesByName "${label}">>"}`;

    for (const [what, node, pod] of [
      ['once', { cpu: summed(term), memory: summed(term) }, { cpu: summed(term), memory: summed(term) }],
      ['twice', { cpu: summed(term, term), memory: summed(term) }, { cpu: summed(term), memory: summed(term, term) }],
      [
        'once, and once by label',
        { cpu: summed(term, byName('node')), memory: summed(term) },
        { cpu: summed(term), memory: summed(term, byName('pod')) },
      ],
      [
        'four times',
        { cpu: summed(term, term, term, term), memory: summed(term, term, term, term) },
        { cpu: summed(term, term, term, term), memory: summed(term) },
      ],
      [
        'in a long template',
        { cpu: summed(term, `other{job=~"${'x'.repeat(10_000)}"}`), memory: summed(term) },
        { cpu: summed(term, `other{job=~"${'x'.repeat(10_000)}"}`), memory: summed(term) },
      ],
      ["as kube-prometheus' adapter does", kubePrometheus, { cpu: summed(term), memory: summed(term) }],
    ] as const) {
      test(`with names written ${what}`, async () => {
        const ruleFor = (kind: 'cpu' | 'memory') => `
    containerQuery: '${pod[kind]}'
    nodeQuery: '${node[kind]}'
    resources: {overrides: ${overrides}}
    containerLabel: container`;
        const text = `resourceRules:\n  cpu:${ruleFor('cpu')}\n  memory:${ruleFor('memory')}\n  window: 5m\n`;
        await using other = runSource({ rules: text, urls: prometheus.url });
        prometheus.resultOf = (query) => asked(query, query.includes('by (node)') ? 'node' : 'pod');
        const sent = prometheus.requests.length;
        const { usages, queries } = await pods(
          names.map((name) => `shop/${name}`),
          { of: other },
        );
        assert.ok(queries.length > 2);
        const bytes = (usage: (typeof usages)[number]) =>
          usage.kind === 'ready' ? usage.value.containers[0]?.memoryBytes : usage.message;
        assert.deepEqual(usages.map(bytes), expected);
        const objects = names.map((name) => ({ name }));
        const usageOf = await other.source.usage.nodeUsages({ objects, isWhole: true, caller: autoscaler }, forever);
        assert.deepEqual(
          objects.map(usageOf).map((usage) => usage.kind === 'ready' && usage.value.memoryBytes),
          expected,
        );
        const lengths = prometheus.requests.slice(sent).map(({ parameters }) => parameters.get('query')?.length ?? 0);
        assert.ok(Math.max(...lengths) <= longestQuery, `${Math.max(...lengths)} bytes`);
        // Short queries are many.
        assert.ok(Math.max(...lengths) > longestQuery / 2.5, `${Math.max(...lengths)} bytes`);
      });
    }
  });

  describe('samples of pods that no longer exist', () => {
    const names = Array.from({ length: 300 }, (_, index) => `checkout-service-backend-7d4f9c6b5-x${index + 1_000}`);
    const everyName = 'pod=~".+"';
    const gone = Array.from({ length: queryLimits.elements + 1 }, (_, index) => container(`gone-${index}`, '1'));
    const live = (query: string) => names.filter((name) => query.includes(name)).map((name) => container(name, '3'));

    for (const [what, more, fault] of [
      ['are more than an answer may have', gone, undefined],
      ['are more than the engine evaluates', [], { code: 422, body: '{"status":"error","error":"too many samples"}' }],
    ] as const) {
      test(`cost no usage where they ${what}: pods are asked for by their names, from then on`, async () => {
        await using other = runSource({ rules, urls: prometheus.url });
        prometheus.resultOf = (query) => (query.includes(everyName) ? more : live(query));
        prometheus.fault = ({ parameters }) => (parameters.get('query')?.includes(everyName) ? fault : undefined);
        const places = names.map((name) => `shop/${name}`);
        // One of both that fails first may keep the other one from being sent.
        const sent = () =>
          prometheus.requests
            .map(({ parameters }) => parameters.get('query') ?? '')
            .filter((query) => query.includes(everyName))
            .slice(before);
        const before = prometheus.requests.filter(({ parameters }) =>
          parameters.get('query')?.includes(everyName),
        ).length;
        for (const round of [1, 2]) {
          const { usages } = await pods(places, { isWhole: true, of: other });
          assert.deepEqual(new Set(usages.map(({ kind }) => kind)), new Set(['ready']), `round ${round}`);
          assert.equal(new Set(sent()).size, sent().length, 'each once');
          assert.ok(sent().length > 0);
        }
        const asked = sent().length;
        other.source.setRules(parseRules(rules));
        await pods(places, { isWhole: true, of: other });
        assert.ok(sent().length > asked);
      });
    }

    test('are not served, and a query that is wrong is not sent again by names', async () => {
      await using other = runSource({ rules, urls: prometheus.url });
      const all = [...names.map((name) => container(name, '3')), ...gone.slice(0, 1_000)];
      prometheus.resultOf = () => all;
      const places = names.map((name) => `shop/${name}`);
      const { usages, queries } = await pods(places, { isWhole: true, of: other });
      assert.deepEqual(new Set(usages.map(({ kind }) => kind)), new Set(['ready']));
      assert.equal(queries.length, 2);
      prometheus.fault = () => ({ code: 400, body: '{"status":"error","error":"parse error"}' });
      const sent = prometheus.requests.length;
      // Another caller shares no answer.
      await assert.rejects(pods(places, { isWhole: true, of: other, caller: user }), /unable to fetch metrics/);
      const after = prometheus.requests.slice(sent).map(({ parameters }) => parameters.get('query') ?? '');
      assert.deepEqual(
        after.filter((query) => !query.includes(everyName)),
        [],
      );
    });
  });

  test('nodes have their usage, and one without a sample has the reason', async () => {
    const node = (name: string, value: string): VectorElement => [{ node: name }, value];
    answer([node('node-a', '1.5')], [node('node-a', '8000000000'), node('node-b', '1')]);
    const objects = [{ name: 'node-a' }, { name: 'node-b' }];
    const usageOf = await running.source.usage.nodeUsages({ objects, isWhole: true, caller: autoscaler }, forever);
    assert.deepEqual(objects.map(usageOf), [
      {
        kind: 'ready',
        value: {
          timestampMs: 1_795_913_979_894,
          windowMs: 300_000,
          cpuNanocores: 1_500_000_000,
          memoryBytes: 8_000_000_000,
        },
      },
      { kind: 'missing', message: 'Prometheus has no sample of its CPU' },
    ]);
  });

  test('last values are served while the engine is away, but not to a new pod of the same name', async () => {
    answer([container('db-0', '1')], [container('db-0', '5')]);
    // An equal query is answered for a second.
    await pods(['data/db-0', 'data/other-0']);
    prometheus.fault = () => 'hang up';
    const { usages } = await pods(['data/db-0', 'data/db-1']);
    assert.deepEqual(
      usages.map((usage) => (usage.kind === 'ready' ? usage.value.timestampMs : usage.message)),
      [1_795_913_979_894, 'Prometheus is away, and no last value is known'],
    );
    const objects = [{ ...podOf('data/db-0'), uid: 'of another pod' }];
    await assert.rejects(running.source.usage.podUsages({ objects, isWhole: false, caller: autoscaler }, forever), {
      code: 500,
    });
  });

  test('a partial answer replaces no last values of a whole one', async () => {
    const cpu = async (names: readonly string[]) =>
      (await pods(names)).usages.map((usage) =>
        usage.kind === 'ready' ? usage.value.containers[0]?.cpuNanocores : usage.message,
      );
    answer([container('db-0', '1')], [container('db-0', '5')]);
    assert.deepEqual(await cpu(['part/db-0']), [1_000_000_000]);
    prometheus.extra = { isPartial: true };
    answer([container('db-0', '0.1')], [container('db-0', '5')]);
    assert.equal((await cpu(['part/db-0', 'part/db-1']))[0], 100_000_000);
    prometheus.fault = () => 'hang up';
    assert.equal((await cpu(['part/db-0', 'part/db-2']))[0], 1_000_000_000);
  });

  test('CPU and memory come from the engines that they name, and a name that no engine has is an error', async () => {
    await using mimir = await createFakePrometheus();
    mimir.resultOf = () => [container('web-0', '4096')];
    answer([container('web-0', '0.5')], []);
    const ofMimir = rules.replace(/(memory:[^]*?)( {4}containerLabel)/, '$1    source: mimir\n$2');
    const before = prometheus.requests.length;
    {
      await using other = runSource({ rules: ofMimir, urls: { main: prometheus.url, mimir: mimir.url } });
      const { usages } = await pods(['shop/web-0'], { of: other });
      assert.deepEqual(
        usages.map((usage) => usage.kind === 'ready' && usage.value.containers[0]?.memoryBytes),
        [4096],
      );
      const engines = other.source.reports().map(({ source, rule }) => [rule.split('.')[1], source]);
      assert.deepEqual(Object.fromEntries(engines), { cpu: 'main', memory: 'mimir' });
    }
    const sent = [prometheus.requests.slice(before), mimir.requests].map((calls) =>
      calls.flatMap(({ parameters }) => /\((\w+)\{namespace="shop"/.exec(parameters.get('query') ?? '')?.[1] ?? []),
    );
    assert.deepEqual(sent, [['cpu'], ['memory']]);
    const unknown = { rules: ofMimir, urls: { main: prometheus.url } };
    assert.throws(() => runSource(unknown), /resourceRules\.memory\.containerQuery\.source: no --prometheus-url has/);
  });

  test('a failure is an error with its reason, and never an empty list', async () => {
    prometheus.fault = ({ parameters }) =>
      parameters.get('query')?.includes('(memory{') === true
        ? { code: 422, body: '{"status":"error","error":"no"}' }
        : undefined;
    await assert.rejects(
      pods(['fails/web-0'], { caller: user }),
      (error: Error & { details?: { causes?: object } }) => {
        assert.match(error.message, /unable to fetch metrics/);
        assert.match(JSON.stringify(error.details?.causes), /422/);
        return true;
      },
    );
    const report = running.source.reports().find(({ rule }) => rule === 'resourceRules.memory.containerQuery');
    assert.match(report?.lastError ?? '', /422/);
    assert.equal(running.source.reports().length, 4);
  });

  test('an answer that is no vector is an error', async () => {
    prometheus.resultOf = () => ({ resultType: 'scalar', result: [1, '1'] });
    await assert.rejects(pods(['scalar/web-0']), { code: 500 });
  });
});
