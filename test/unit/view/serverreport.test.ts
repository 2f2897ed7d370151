import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseServerReport, shownEntries } from '../../../src/view/serverreport.ts';

const parse = (report: object) => parseServerReport({ version: '1.0.0', ...report }) ?? assert.fail('it is a report');
const empty = { items: [], total: 0 };

describe("the server's report", () => {
  test('of an older version lacks fields, and that of a newer one has others', () => {
    assert.deepEqual(parse({ next: { nodes: [1] } }), {
      version: '1.0.0',
      degraded: empty,
      refused: empty,
      bundles: empty,
      rules: empty,
      ruleSources: empty,
      ways: empty,
      nodeCount: 0,
      nodes: empty,
    });
    const { identity, nodes } = parse({
      kubeletIdentity: { sent: 'a passport' },
      nodes: [{ name: 'a', state: 'asleep', failures: 'many', error: 'none' }],
    });
    assert.equal(identity, undefined);
    assert.deepEqual(nodes.items, [{ name: 'a', state: 'asleep', failures: 0, remarks: [{ message: '' }] }]);
  });

  test('has the sentence about credentials of `kubegauge status`, none where no kubelet is scraped', () => {
    const kubeletIdentity = { sent: 'none', account: 'kube-system/readers', reason: 'not found' };
    assert.equal(parse({ kubeletIdentity }).identity, 'kubelets get no token: not found');
    const report = parse({ kubeletIdentity, resolution: '15s', resourceMetrics: { scrapesKubelets: false } });
    assert.deepEqual([report.identity, report.resolution], [undefined, undefined]);
  });

  test('counts ways of nodes, that of most nodes first', () => {
    const way = { state: 'scraped', source: 'cadvisor', verifiedBy: 'address' };
    const { ways, nodeCount } = parse({ nodes: [{ state: 'waiting' }, way, { ...way, name: 'b' }] });
    assert.deepEqual(ways.items, [
      { ...way, nodes: 2 },
      { state: 'waiting', nodes: 1 },
    ]);
    assert.equal(nodeCount, 3);
  });

  test('lists nodes with remarks, each remark with the heading that explains it', () => {
    const { nodes } = parse({
      nodes: [
        { name: 'well', state: 'scraped' },
        { name: 'skewed', state: 'scraped', clockSkew: '9s ahead', fallback: 'no rows', foreignPods: 2 },
        { name: 'new', state: 'waiting', missing: 'never-scraped' },
        { name: 'down', state: 'failing', missing: 'stale', error: { code: 'Refused', message: 'm', remedy: 'r' } },
      ],
    });
    assert.deepEqual(
      nodes.items.map(({ name, remarks }) => [name, remarks.map(({ code, message }) => `${code}: ${message}`)]),
      [
        ['down', ['Refused: m']],
        [
          'skewed',
          [
            'NodeOnFallback: served from /metrics/resource: no rows',
            'ClockSkew: 9s ahead',
            'ForeignPods: reports pods of other nodes, which are not served: 2',
          ],
        ],
        ['new', ['undefined: its usage is not served yet (never-scraped)']],
      ],
    );
  });

  test('lists what fails where not all is shown, and counts the rest', () => {
    const nodes = Array.from({ length: 300 }, (_, index) => ({
      name: `node-${index}`,
      state: index < 200 ? 'scraped' : 'failing',
      fallback: 'x',
    }));
    const metricRules = [
      { source: 'main', rule: 'well' },
      { source: 'main', rule: 'warned', warning: 'w' },
      { source: 'main', rule: 'failed', error: 'e' },
      { source: 'other', rule: 'well' },
    ];
    const report = parse({ nodes, metricRules });
    assert.deepEqual([report.nodes.items.length, report.nodes.total], [shownEntries, 300]);
    assert.ok(report.nodes.items.every(({ state }) => state === 'failing'));
    assert.deepEqual(
      report.rules.items.map(({ rule }) => rule),
      ['failed', 'warned'],
    );
    assert.deepEqual(report.ruleSources.items, [
      { source: 'main', rules: 3, failing: 1 },
      { source: 'other', rules: 1, failing: 0 },
    ]);
  });

  test('has no control characters and no long texts', () => {
    const { degraded } = parse({ degraded: [{ code: 'A', message: `\u001b[2J\u202e${'x'.repeat(10_000)}` }] });
    const message = degraded.items[0]?.message ?? '';
    assert.match(message, /^\\x1b\[2J\\u202ex+\.\.\.$/);
    assert.ok(message.length < 1_100);
  });

  test('of any shape is read, or is none', () => {
    const lists = ['degraded', 'refused', 'caBundles', 'metricRules', 'nodes', 'kubeletIdentity', 'resourceMetrics'];
    const anyReport = fc.record(Object.fromEntries(lists.map((name) => [name, fc.anything()])));
    fc.assert(fc.property(anyReport, (report) => void JSON.stringify(parse(report))));
    fc.assert(fc.property(fc.jsonValue(), (value) => void parseServerReport(value)));
  });
});
