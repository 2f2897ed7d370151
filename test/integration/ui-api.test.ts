/** What the API of `kubegauge ui` answers: objects, columns of history, errors, slow and failing reads. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Examination } from '../../src/doctor/examination.ts';
import { answerLimitBytes, podPageLimit, readLimit, waitingReadLimit } from '../../src/ui/limits.ts';
import { ofPods } from '../../src/ui/page/data/series.js';
import type {
  AutoscalerHistoryAnswer,
  ErrorAnswer,
  HealthAnswer,
  PodsAnswer,
  SummaryAnswer,
  UsageHistoryAnswer,
} from '../../src/ui/routes.ts';
import { ViewError } from '../../src/view/viewerror.ts';
import { createFakeClock, type FakeClock } from '../fakes/clock.ts';
import { autoscalerView, nodeView, podView } from '../fakes/clusterview.ts';
import { createRecordingLog } from '../fakes/recordinglog.ts';
import { until } from '../fakes/until.ts';
import { startTestUi, type TestUi, type UiAnswer } from './uiclient.ts';

const startMs = Date.parse('2026-11-22T20:00:00Z');

let own: TestUi;
before(async () => {
  own = await startTestUi();
});
after(() => own[Symbol.asyncDispose]());

const markup = '<img src=x onerror="alert(1)">';

/** Returns the answer's object, of the type that its reader names. */
function json({ status, text, headers }: UiAnswer) {
  assert.equal(status, 200, text);
  assert.equal(headers['content-type'], 'application/json; charset=utf-8');
  return JSON.parse(text);
}

function problem(answer: UiAnswer): readonly [status: number, error: string] {
  assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
  return [answer.status, (JSON.parse(answer.text) as ErrorAnswer).error];
}

describe('objects', () => {
  test('are those of the view, and markup in a name is data', async () => {
    const pods = [podView('default', markup, { labels: { app: markup }, reason: `${markup}\u0007` })];
    const nodes = [nodeView('node-1', { cpu: { used: 0.25, allocatable: 4 } })];
    await using ui = await startTestUi({ content: { pods, nodes, autoscalers: [autoscalerView('default', 'web')] } });
    const answer = await ui.get('api/pods');
    assert.deepEqual(json(answer), { items: pods });
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    assert.deepEqual(json(await ui.get('api/nodes')), { items: nodes });
    assert.deepEqual(json(await ui.get('api/autoscalers?namespace=default')), {
      items: [autoscalerView('default', 'web')],
    });
    const summary: SummaryAnswer = json(await ui.get('api/summary'));
    assert.deepEqual(
      [summary.context, summary.refreshSeconds, summary.clockAheadMs, summary.history],
      ['test', 15, 5_000, { seconds: 3600, keptBy: 'server' }],
    );
  });

  test("the server's report is that of the view", async () => {
    const serverReport = { state: 'forbidden', lacks: markup } as const;
    await using ui = await startTestUi({ content: { serverReport } });
    assert.deepEqual(json(await ui.get('api/serverreport')), serverReport);
    assert.equal((await ui.get('api/serverreport?node=a')).status, 400);
  });

  test('come in pages, and by the parameters that are given', async () => {
    const pods = Array.from({ length: 5 }, (_, index) => podView('default', `web-${index}`));
    await using ui = await startTestUi({ content: { pods } });
    const first: PodsAnswer = json(await ui.get('api/pods?limit=3'));
    assert.deepEqual(
      first.items.map(({ name }) => name),
      ['web-0', 'web-1', 'web-2'],
    );
    const second: PodsAnswer = json(await ui.get(`api/pods?limit=3&continue=${first.continue}`));
    assert.deepEqual([second.items.length, second.continue], [2, undefined]);
    await ui.get('api/pods?namespace=default&node=node-1.example&labelSelector=app%3Dweb%2Ctier!%3Dcache&limit=');
    const given = {
      limit: podPageLimit,
      namespace: 'default',
      node: 'node-1.example',
      labelSelector: 'app=web,tier!=cache',
    };
    assert.ok(ui.view.content.reads.includes(`pods ${JSON.stringify(given)}`), ui.view.content.reads.join('\n'));
  });

  test('one pod by its name; 404 without it', async () => {
    await using ui = await startTestUi({ content: { pods: [podView('default', 'web-1')] } });
    assert.deepEqual(json(await ui.get('api/pods/default/web-1')), podView('default', 'web-1'));
    assert.deepEqual(problem(await ui.get('api/pods/default/web-2')), [404, 'there is no pod default/web-2']);
    assert.deepEqual(problem(await ui.get('api/pods/Default/web-1')), [404, 'no pod can have this name']);
  });

  test('that did not change are 304 for the ETag of the previous answer', async () => {
    const { headers } = await own.get('api/nodes');
    const etag = headers.etag ?? '';
    const same = await own.get('api/nodes', { 'if-none-match': `"other", W/${etag}` });
    assert.deepEqual([same.status, same.text, same.headers.etag], [304, '', etag]);
    assert.equal((await own.get('api/nodes', { 'if-none-match': '"other"' })).status, 200);
    assert.equal((await own.get('main.js', { 'if-none-match': (await own.get('main.js')).headers.etag })).status, 304);
  });

  test('files are compressed for clients that take it', async () => {
    const plain = await own.get('main.js');
    const gzipped = await own.get('main.js', { 'accept-encoding': 'br, gzip' });
    assert.deepEqual([plain.headers['content-encoding'], gzipped.headers['content-encoding']], [undefined, 'gzip']);
    assert.ok(gzipped.text.length < plain.text.length);
  });
});

describe('parameters', () => {
  const refused = [
    ['api/nodes?name=x', 'the parameter "name" is not known here; it takes none'],
    ['api/pods?limit=0', 'limit: a whole number from 1 to 500'],
    ['api/pods?limit=501', 'limit: a whole number from 1 to 500'],
    ['api/pods?limit=1e2', 'limit: a whole number from 1 to 500'],
    ['api/pods?namespace=a%2Fb', 'namespace: the name of one namespace'],
    ['api/pods?namespace=a&namespace=b', 'namespace: the name of one namespace'],
    ['api/pods?node=..', 'node: the name of one node'],
    ['api/pods?node=a%2Cspec.nodeName%3Db', 'node: the name of one node'],
    ['api/pods?labelSelector=a%20b', 'labelSelector: '],
    ['api/pods?continue=%0d%0aX', 'continue: from the previous page, once'],
    ['api/pods?watch=1', 'the parameter "watch" is not known here; it takes namespace, node, '],
    ['api/history/nodes?sinceSeconds=3601', 'sinceSeconds: a whole number from 1 to 3600'],
    ['api/history/nodes?stepSeconds=-1', 'stepSeconds: a whole number from 1 to 3600'],
    ['api/history/containers', 'namespace: name the namespace of the pods'],
    ['api/pods?__proto__=x', 'the parameter "__proto__" is not known here; '],
  ] as const;
  for (const [path, expected] of refused) {
    test(`${path} is 400`, async () => {
      const [status, error] = problem(await own.get(path));
      assert.equal(status, 400, error);
      assert.ok(error.startsWith(expected), error);
    });
  }
});

describe('failures', () => {
  test('of kube-apiserver say what is missing; others show nothing of the program', async () => {
    const { log, lines } = createRecordingLog();
    let failure: Error = new ViewError('cannot list nodes: this user lacks the right to list nodes', 403);
    const clock = createFakeClock();
    await using ui = await startTestUi({
      clock,
      log,
      content: {
        before: (read) => {
          if (read === 'nodes') throw failure;
        },
      },
    });
    assert.deepEqual(problem(await ui.get('api/nodes')), [403, failure.message]);
    assert.equal((await ui.get('api/pods')).status, 200, 'other answers are not affected');
    failure = new ViewError('cannot list pods: kube-apiserver answers 410: too old', 410);
    await clock.advance(2_000);
    assert.deepEqual(problem(await ui.get('api/nodes')), [410, failure.message]);
    failure = new TypeError("Cannot read properties of undefined (reading 'secret') at /home/user/x.ts");
    await clock.advance(2_000);
    assert.deepEqual(problem(await ui.get('api/nodes')), [500, 'kubegauge could not answer']);
    assert.deepEqual(lines, ['error: answering a request of the page failed']);
  });

  test('an answer that is too large is an error, and never cut', async () => {
    const labels = { big: 'x'.repeat(answerLimitBytes) };
    await using ui = await startTestUi({ content: { pods: [podView('default', 'web', { labels })] } });
    assert.deepEqual(problem(await ui.get('api/pods')), [502, 'the answer is larger than 16 MiB']);
  });
});

describe('a slow kube-apiserver', () => {
  test('gets each of equal requests once, and few at a time; others wait, and too many get 429', async () => {
    const gate = Promise.withResolvers<void>();
    let running = 0;
    let most = 0;
    await using ui = await startTestUi({
      content: {
        before: async (read) => {
          if (!read.startsWith('pod ')) return;
          most = Math.max(most, (running += 1));
          await gate.promise;
          running -= 1;
        },
      },
    });
    const equal = Array.from({ length: 5 }, () => ui.get('api/pods/default/same'));
    await until('the first is read', () => running === 1);
    const statuses: number[] = [];
    const others = Array.from({ length: readLimit + waitingReadLimit }, async (_, index) => {
      const { status } = await ui.get(`api/pods/default/web-${index}`);
      statuses.push(status);
    });
    await until('one is refused', () => statuses.length === 1);
    assert.deepEqual(statuses, [429]);
    gate.resolve();
    await Promise.all(others);
    assert.deepEqual(
      (await Promise.all(equal)).map(({ status }) => status),
      [404, 404, 404, 404, 404],
    );
    assert.equal(ui.view.content.reads.filter((read) => read === 'pod default/same').length, 1);
    assert.equal(most, readLimit);
  });

  test('is asked again after two seconds, not before', async () => {
    const clock = createFakeClock();
    await using ui = await startTestUi({ clock });
    const count = () => ui.view.content.reads.filter((read) => read.startsWith('pods')).length;
    await ui.get('api/pods');
    await ui.get('api/pods');
    assert.equal(count(), 1);
    await clock.advance(2_000);
    await ui.get('api/pods');
    assert.equal(count(), 2);
  });
});

describe('history', () => {
  test('that the server keeps is read from it, in columns', async () => {
    const points = new Map([
      [
        'node-1',
        [
          { timestampMs: startMs, windowSeconds: 60, cpu: 0.5, memory: 10 },
          { timestampMs: startMs + 60_000, windowSeconds: 60, memory: 20 },
        ],
      ],
    ]);
    await using ui = await startTestUi({ content: { points } });
    const { series }: UsageHistoryAnswer = json(await ui.get('api/history/nodes?name=node-1&sinceSeconds=600'));
    assert.deepEqual(series, [
      {
        name: 'node-1',
        timeSeconds: [startMs / 1000, startMs / 1000 + 60],
        windowSeconds: [60, 60],
        cpu: [0.5, null],
        memory: [10, 20],
      },
    ]);
    assert.ok(ui.view.content.reads.includes('nodeHistory {"sinceSeconds":600,"name":"node-1"}'));
    await ui.get('api/history/containers?namespace=default&labelSelector=app%3Dweb&stepSeconds=120');
    const asked = '{"sinceSeconds":3600,"namespace":"default","labelSelector":"app=web","stepSeconds":120}';
    assert.ok(ui.view.content.reads.includes(`containerHistory ${asked}`), ui.view.content.reads.join('\n'));
  });

  describe('of a server that keeps none', () => {
    let clock: FakeClock;
    let ui: TestUi;
    beforeEach(async () => {
      await ui?.[Symbol.asyncDispose]();
      clock = createFakeClock(startMs);
      ui = await startTestUi({ clock, content: { keepsHistory: false } });
    });
    after(() => ui[Symbol.asyncDispose]());

    /** Moves to the next reading of usages with the time of then. */
    async function next(cpu: number): Promise<void> {
      // startTestUi: kube-apiserver's clock is 5 s ahead.
      const timestampMs = clock.wallMs() + 15_000;
      ui.view.content.nodes = [nodeView('node-1', { timestampMs, cpu: { used: cpu } })];
      ui.view.content.containerPoints = new Map(
        ['web/web-1/app', 'web/web-10/app', 'db/web-1/app'].map((name) => [
          name,
          { timestampMs, windowSeconds: 15, cpu },
        ]),
      );
      await clock.advance(15_000);
    }

    test('is collected, one point for each timestamp', async () => {
      await next(1);
      await clock.advance(15_000);
      await next(2);
      const summary: SummaryAnswer = json(await ui.get('api/summary'));
      assert.deepEqual(summary.history, { seconds: 3600, keptBy: 'ui' });
      const nodes: UsageHistoryAnswer = json(await ui.get('api/history/nodes'));
      assert.deepEqual(
        nodes.series.map(({ name, cpu }) => [name, cpu]),
        [['node-1', [1, 2]]],
      );
      const pod: UsageHistoryAnswer = json(await ui.get('api/history/containers?namespace=web&name=web-1'));
      assert.deepEqual(
        pod.series.map(({ name, cpu, memory }) => [name, cpu, memory]),
        [['web/web-1/app', [1, 2], [null, null]]],
      );
      const namespace: UsageHistoryAnswer = json(await ui.get('api/history/containers?namespace=web'));
      assert.deepEqual(
        namespace.series.map(({ name }) => name),
        ['web/web-1/app', 'web/web-10/app'],
      );
      assert.equal((await ui.get('api/history/containers?namespace=web&labelSelector=a')).status, 400);
    });

    for (const [clockOf, behindMs] of [
      ['a right clock', 0],
      ['a clock that is 20 min behind', 20 * 60_000],
      ['a clock that is 20 min ahead', -20 * 60_000],
    ] as const)
      test(`of a pod that was created again under its name has no points of the previous one, with ${clockOf} of its node`, async () => {
        const read = async (cpu: number, ageMs = 0) => {
          const timestampMs = ui.view.nowMs() + 15_000 - ageMs - behindMs;
          const point = { timestampMs, windowSeconds: 15, cpu };
          ui.view.content.containerPoints = new Map([['db/db-0/app', point]]);
          await clock.advance(15_000);
        };
        for (let count = 0; count < 4; count += 1) await read(4);
        // Whole seconds, as in the API.
        const createdMs = ui.view.nowMs() + 1_000;
        // The last usage of the previous pod may be served until the next scrape.
        if (behindMs >= 0) await read(4, 14_500);
        for (let count = 0; count < 12; count += 1) await read(0.1);
        const { series }: UsageHistoryAnswer = json(await ui.get('api/history/containers?namespace=db&name=db-0'));
        const pod = podView('db', 'db-0', { createdMs });
        const [line] = ofPods(series, [pod]);
        assert.deepEqual(new Set(line?.cpu), new Set([0.1]));
        assert.ok((line?.cpu.length ?? 0) >= (behindMs > 0 ? 4 : 12), `${line?.cpu.length} points`);
        assert.deepEqual(
          [line?.timeSeconds.length, line?.memory.length, line?.windowSeconds.length, line?.readSeconds?.length],
          Array(4).fill(line?.cpu.length),
        );
        const [other] = ofPods(series, [podView('db', 'db-0', { createdMs: startMs - 60_000 })]);
        assert.equal(other?.cpu.at(0), 4);
      });

    test('lasts an hour, and is thinned out by stepSeconds', async () => {
      for (let count = 1; count <= 250; count += 1) await next(count);
      const { series }: UsageHistoryAnswer = json(await ui.get('api/history/nodes'));
      assert.deepEqual([series[0]?.cpu.length, series[0]?.cpu.at(-1)], [240, 250]);
      const thin: UsageHistoryAnswer = json(await ui.get('api/history/nodes?stepSeconds=60&sinceSeconds=600'));
      // Eleven minutes have a part in ten.
      assert.equal(thin.series[0]?.cpu.length, 11);
      assert.equal(thin.series[0]?.cpu.at(-1), 250);
      ui.view.content.nodes = [];
      await clock.advance(3_600_000);
      assert.deepEqual(json(await ui.get('api/history/nodes')), { series: [] });
    });

    test('that a mistake of the program keeps from being collected is a line in the log', async () => {
      const { log, lines } = createRecordingLog();
      await using other = await startTestUi({
        clock: createFakeClock(startMs),
        log,
        content: {
          keepsHistory: false,
          before: (read) => {
            if (read === 'nodePoints') throw new TypeError('x is undefined');
          },
        },
      });
      await until('it is in the log', () => lines.includes('error: collecting history failed'));
      assert.equal((await other.get('api/history/nodes')).status, 200);
    });

    test('has a gap where a read fails, and goes on', async () => {
      await next(1);
      ui.view.content.before = (read) => {
        if (read === 'nodePoints') throw new ViewError('down', 503);
      };
      await next(2);
      ui.view.content.before = () => undefined;
      await next(3);
      const { series }: UsageHistoryAnswer = json(await ui.get('api/history/nodes'));
      assert.deepEqual(series[0]?.cpu, [1, 3]);
    });
  });

  describe('for a user with rights in one namespace', () => {
    const denied = new ViewError('cannot list pods.metrics.k8s.io: no right', 403);
    const ofAll = (read: string) => {
      if (read === 'containerPoints') throw denied;
    };

    test('is that of the server, though nodes do not say who keeps it', async () => {
      await using ui = await startTestUi({
        content: {
          keepsHistory: undefined,
          contextNamespace: 'shop',
          keeperOf: (namespace) => {
            if (namespace === 'shop') return 'kubegauge';
            throw denied;
          },
          points: new Map([['shop/web-0/app', [{ timestampMs: startMs, windowSeconds: 60, cpu: 1 }]]]),
        },
      });
      const pod: UsageHistoryAnswer = json(await ui.get('api/history/containers?namespace=shop'));
      assert.deepEqual(
        pod.series.map(({ name }) => name),
        ['shop/web-0/app'],
      );
      const { history, namespace }: SummaryAnswer = json(await ui.get('api/summary'));
      assert.deepEqual([history.keptBy, namespace], ['unknown', 'shop']);
      // No history of a namespace that cannot be read is not an empty one.
      assert.deepEqual(problem(await ui.get('api/history/containers?namespace=db')), [403, denied.message]);
      assert.deepEqual(problem(await ui.get('api/history/nodes')), [403, denied.message]);
    });

    test('is collected for the namespace of the context, and the others say why not', async () => {
      const clock = createFakeClock(startMs);
      const point = { timestampMs: startMs + 15_000, windowSeconds: 15, cpu: 1 };
      await using ui = await startTestUi({
        clock,
        content: {
          keepsHistory: false,
          contextNamespace: 'shop',
          before: ofAll,
          containerPoints: new Map([['shop/web-0/app', point]]),
        },
      });
      await clock.advance(15_000);
      const pod: UsageHistoryAnswer = json(await ui.get('api/history/containers?namespace=shop'));
      assert.deepEqual(pod.series[0]?.cpu, [1]);
      const { history }: SummaryAnswer = json(await ui.get('api/summary'));
      assert.deepEqual([history.keptBy, history.reason], ['ui', denied.message]);
      assert.deepEqual(problem(await ui.get('api/history/containers?namespace=db')), [403, denied.message]);
    });
  });

  test('of autoscalers is collected, also where the server keeps that of usage', async () => {
    const clock = createFakeClock(startMs);
    await using ui = await startTestUi({ clock, content: { autoscalers: [autoscalerView('web', 'web')] } });
    await clock.advance(0);
    ui.view.content.autoscalers = [
      autoscalerView('web', 'web', {
        replicas: 3,
        desiredReplicas: 4,
        metrics: [{ name: 'requests', current: '1500m', target: '1', ratio: 1.5 }],
      }),
    ];
    await clock.advance(15_000);
    ui.view.content.autoscalers = [...ui.view.content.autoscalers, autoscalerView('db', 'db')];
    await clock.advance(15_000);
    const { series }: AutoscalerHistoryAnswer = json(await ui.get('api/history/autoscalers?namespace=web'));
    const at = startMs / 1000 + 5;
    assert.deepEqual(series, [
      {
        namespace: 'web',
        name: 'web',
        timeSeconds: [at, at + 15, at + 30],
        replicas: [2, 3, 3],
        desiredReplicas: [null, 4, 4],
        metrics: [
          { name: 'cpu', unit: '%', current: [45, null, null], target: [50, null, null], ratio: [0.9, null, null] },
          { name: 'requests', unit: '', current: [null, 1.5, 1.5], target: [null, 1, 1], ratio: [null, 1.5, 1.5] },
        ],
      },
    ]);
    assert.equal(json(await ui.get('api/history/autoscalers')).series.length, 2);
    const recent: AutoscalerHistoryAnswer = json(await ui.get('api/history/autoscalers?name=web&sinceSeconds=20'));
    assert.deepEqual(recent.series[0]?.timeSeconds, [at + 15, at + 30]);
  });
});

describe('health', () => {
  test('is examined when it is asked for, once for all, and again when it is stale', async () => {
    const clock = createFakeClock();
    const examination = { kind: 'Examination', findings: [] } as unknown as Examination;
    let runs = 0;
    let gate = Promise.withResolvers<Examination>();
    await using ui = await startTestUi({
      clock,
      examine: () => {
        runs += 1;
        return gate.promise;
      },
    });
    const read = async (): Promise<HealthAnswer> => {
      await clock.advance(2_000);
      return json(await ui.get('api/health'));
    };
    assert.equal(runs, 0);
    assert.deepEqual(await read(), { state: 'examining' });
    assert.deepEqual(await read(), { state: 'examining' });
    gate.resolve(examination);
    assert.deepEqual(await read(), { state: 'examined', examination });
    assert.equal(runs, 1);
    gate = Promise.withResolvers();
    await clock.advance(60_000);
    assert.deepEqual(await read(), { state: 'examining', examination });
    gate.reject(new Error('connection refused'));
    const failed = await read();
    assert.deepEqual([failed.state, failed.error], ['failed', 'the cluster cannot be examined: connection refused']);
  });
});
