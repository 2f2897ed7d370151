import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusText } from '../../../src/command/statustable.ts';
import type { StatusReport } from '../../../src/server/statuspage.ts';

const report = {
  version: '1.2.3',
  startTime: '2026-11-22T20:00:00Z',
  resolution: '15s',
  staleness: '45s',
  resourceMetrics: { source: 'kubelet', scrapesKubelets: true },
  degraded: [{ code: 'NodesNotRead', message: '1 of 2 ready nodes cannot be scraped' }],
  refused: [],
  kubeletIdentity: { sent: 'account', account: 'kube-system/readers' },
  nodes: [
    {
      name: 'node-a',
      ready: true,
      state: 'scraped',
      source: 'resource',
      fallback: 'no container rows',
      address: '10.0.0.1:10250',
      verifiedBy: 'node-name',
      pods: 30,
      containers: 60,
      served: true,
      age: '12.3s',
      window: '15.02s',
      sampleSpacing: '20s',
      scrapeDuration: '4.2ms',
      wireBytes: 3772,
      failures: 0,
    },
    {
      name: 'node-long-name',
      ready: true,
      state: 'failing',
      served: false,
      missing: 'never-scraped',
      failures: 3,
      error: { code: 'ConnectionRefused', message: 'nothing listens at 10.0.0.2:10250', remedy: 'does it run?' },
    },
  ],
} as const;

test('a report has a line per node, then problems and remedies', () => {
  assert.equal(
    statusText(report),
    `kubegauge 1.2.3, since 2026-11-22T20:00:00Z; scrapes every 15s, serves the last usage for 45s
kubelets get tokens of ServiceAccount kube-system/readers
degraded:
  NodesNotRead: 1 of 2 ready nodes cannot be scraped

NODE             READY   STATE         SOURCE     ADDRESS          VERIFIED BY   PODS   AGE             WINDOW   SPACING   SCRAPE   BYTES
node-a           yes     scraped       resource   10.0.0.1:10250   node-name     30     12.3s           15.02s   20s       4.2ms    3772
node-long-name   yes     failing (3)   -          -                -             -      never-scraped   -        -         -        -

node-a:
  served from /metrics/resource: no container rows

node-long-name:
  ConnectionRefused: nothing listens at 10.0.0.2:10250
    does it run?
`,
  );
});

test('a report without a problem says that all is well', () => {
  assert.match(statusText({ ...report, degraded: [], nodes: [] }), /^all is well$/m);
});

test('a report names the pod that it is of', () => {
  assert.match(
    statusText({ ...report, pod: 'kube-system/web-1' }),
    /^kubegauge 1\.2\.3 in pod kube-system\/web-1, since /,
  );
});

test('a report says which credentials kubelets get, and why', () => {
  const textOf = (kubeletIdentity: StatusReport['kubeletIdentity']) => statusText({ ...report, kubeletIdentity });
  const account = 'kube-system/readers';
  assert.match(textOf({ sent: 'own', account, reason: 'not found' }), /^kubelets get our own token: not found$/m);
  assert.match(textOf({ sent: 'none', account, reason: 'not found' }), /^kubelets get no token: not found$/m);
  assert.match(
    textOf({ sent: 'account', account, reason: 'no answer' }),
    /^kubelets get tokens of ServiceAccount kube-system\/readers: no answer$/m,
  );
});

test('a pod with a root of its own says what each APIService makes of it', () => {
  const states = { ready: true, trouble: false } as const;
  const text = statusText({
    ...report,
    caBundles: [
      { apiService: 'v1.metrics.k8s.io', code: 'RootPublished', state: 'the bundle holds our root', ...states },
      { apiService: 'v1beta1.metrics.k8s.io', code: 'RootStaged', state: 'our root is staged', ...states },
    ],
  });
  assert.match(
    text,
    /\n\nserving certificate:\n {2}v1\.metrics\.k8s\.io: RootPublished: the bundle holds our root\n {2}v1beta1\.metrics\.k8s\.io: RootStaged: our root is staged\n/,
  );
});

test('each refusal has a line below the nodes', () => {
  const refused: StatusReport['refused'] = [
    {
      code: 'TokenInvalid',
      message: 'a bearer token is not valid',
      reason: 'invalid bearer token',
      requests: 3,
      since: '2026-11-22T20:00:00Z',
      last: '2026-11-22T20:01:00Z',
    },
  ];
  assert.match(
    statusText({ ...report, refused }),
    /\n\nrefused in the last five minutes:\n {2}TokenInvalid: a bearer token is not valid \(3 requests, the last at 2026-11-22T20:01:00Z\): invalid bearer token\n$/,
  );
});

test('rules of custom metrics have a line each, then their errors and queries', () => {
  const metricRules = [
    {
      source: 'main',
      rule: 'rules[0]',
      metrics: 2,
      series: 14,
      lastSuccess: '2026-11-22T20:00:00Z',
      warning: 'stores are away',
      query: `sum(requests{pod=~"${'web-0|'.repeat(100)}"}) by (pod)`,
    },
    { source: 'main', rule: 'externalRules[0]', metrics: 0, series: 0, error: 'main cannot be reached', query: 'up' },
    { source: 'kubelet', rule: 'network_receive_bytes_per_second, wanted by a flag', metrics: 3 },
  ];
  const text = statusText({ ...report, degraded: [], nodes: [], metricRules });
  assert.match(text, /\ncustom and external metrics:\nSOURCE +RULE +METRICS +SERIES +LAST SUCCESS\n/);
  assert.match(text, /\nmain +rules\[0\] +2 +14 +2026-11-22T20:00:00Z\nmain +externalRules\[0\] +0 +0 +-\n/);
  assert.match(
    text,
    /\nmain rules\[0\]:\n {2}AnswerIncomplete: stores are away\n {2}sum\(requests.{280,290}\.\.\.\n\nmain externalRules\[0\]:\n {2}RuleFails: main cannot/,
  );
  assert.match(text, /\n {2}up\n$/);
});

test('metrics.k8s.io of Prometheus is named, and nodes that are not scraped have no lines', () => {
  const resourceMetrics = { source: 'prometheus', scrapesKubelets: false } as const;
  const rule = { source: 'prometheus', rule: 'resourceRules.cpu.nodeQuery', metrics: 1, query: 'sum by (node) (x)' };
  const text = statusText({ ...report, resourceMetrics, degraded: [], nodes: [], metricRules: [rule] });
  assert.match(text, /; scrapes no kubelets\nmetrics\.k8s\.io comes from Prometheus, by resourceRules\nall is well\n/);
  assert.match(text, /\nresource, custom and external metrics:\n/);
  assert.doesNotMatch(text, /NODE +READY|kubelets get/);
  const both = statusText({ ...report, resourceMetrics: { source: 'prometheus', scrapesKubelets: true } });
  assert.match(both, /scrapes every 15s.*\nmetrics\.k8s\.io comes from Prometheus/);
  assert.match(both, /NODE +READY/);
});
