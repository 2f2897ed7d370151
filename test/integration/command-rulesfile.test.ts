/** The file of --config: refused at the start, followed later. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { openRulesFile } from '../../src/command/rulesfile.ts';
import { silentLogger } from '../../src/logging.ts';
import { UsageError } from '../../src/options/parse.ts';
import type { Rules } from '../../src/rules/rule.ts';
import { createFakeClock } from '../fakes/clock.ts';
import { createRecordingLog } from '../fakes/recordinglog.ts';

const rule = (series: string, more = '') => `
- seriesQuery: '${series}'
  resources: {overrides: {pod: {resource: pod}, namespace: {resource: namespace}}}
  metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
${more}`;

suite('the rules file', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'rules-'));
    file = path.join(folder, 'config.yaml');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const open = (
    text: string | undefined,
    sources = ['prometheus'],
    log = silentLogger,
    clock = createFakeClock(),
    needsResourceRules = false,
  ) => {
    if (text !== undefined) writeFileSync(file, text);
    const isTaken = (metric: string) => metric === 'cpu_usage_cores';
    return openRulesFile({ path: file, sources, isTaken, needsResourceRules, clock, log });
  };

  test('a file with problems is refused with the line of each, a missing one with its path', () => {
    const refused = (text: string | undefined, ...expected: readonly RegExp[]) =>
      assert.throws(
        () => open(text),
        (error) => error instanceof UsageError && expected.every((each) => each.test(error.message)),
      );
    refused('rules:\n- nope: 1\n- also: 2\n', /line 2/, /line 3/);
    refused(`rules:${rule('a', '  source: nowhere')}`, /rules\[0\]\.source: no --prometheus-url has the name nowhere/);
    const taken = /rules\[0\]: --custom-metrics=kubelet serves the metric cpu_usage_cores, too/;
    refused(`rules:${rule('cpu_usage_cores{pod!=""}')}`, taken);
    refused(`rules:${rule('a', '  name: {as: cpu_usage_cores}')}`, taken);
    refused(`rules:${rule('{__name__="cpu_usage_cores"}')}`, taken);
    refused(`rules:${rule('cpu_cores_total', '  name: {matches: "^cpu_(.*)_total$", as: "cpu_usage_${1}"}')}`, taken);
    rmSync(file);
    refused(undefined, /config\.yaml/, /mounted/);
  });

  test('a changed file is used, and a broken one leaves the old rules in force and is logged once', async () => {
    const clock = createFakeClock();
    const { log, lines } = createRecordingLog();
    const opened = open(`rules:${rule('first')}`, undefined, log, clock);
    assert.equal(opened.first.custom[0]?.seriesQuery, 'first');
    const seen: Rules[] = [];
    const stop = new AbortController();
    const running = opened.run((rules) => seen.push(rules), stop.signal);
    writeFileSync(file, 'rules: [');
    for (let round = 0; round < 3; round += 1) await clock.advance(5_000);
    assert.equal(seen.length, 0);
    assert.deepEqual(lines, ['error: the changed rules cannot be used; the previous ones stay in force']);
    writeFileSync(file, `rules:${rule('second')}${rule('third')}`);
    for (let round = 0; round < 2; round += 1) await clock.advance(5_000);
    assert.deepEqual(
      seen.map(({ custom }) => custom.map(({ seriesQuery }) => seriesQuery)),
      [['second', 'third']],
    );
    assert.equal(lines.at(-1), 'info: uses changed rules');
    stop.abort(new Error('the test ends'));
    await running;
  });

  test('a file that is being written changes nothing until it is whole', async () => {
    const clock = createFakeClock();
    const { log, lines } = createRecordingLog();
    const whole = `rules:${rule('first')}${rule('second')}`;
    const opened = open(`rules:${rule('first')}`, undefined, log, clock);
    const seen: Rules[] = [];
    const stop = new AbortController();
    const running = opened.run((rules) => seen.push(rules), stop.signal);
    // Emptied, and then for a moment without its second rule.
    writeFileSync(file, '');
    for (let round = 0; round < 3; round += 1) await clock.advance(5_000);
    assert.deepEqual(lines, ['error: the changed rules cannot be used; the previous ones stay in force']);
    for (const text of ['rules: []', `rules:${rule('second')}`, whole, whole, whole]) {
      writeFileSync(file, text);
      await clock.advance(5_000);
    }
    assert.deepEqual(
      seen.map(({ custom }) => custom.map(({ seriesQuery }) => seriesQuery)),
      [['first', 'second']],
    );
    stop.abort(new Error('the test ends'));
    await running;
  });

  test('resourceRules load, and one line says where metrics.k8s.io comes from', () => {
    const { log, lines } = createRecordingLog();
    open('resourceRules: {window: 5m}\n', undefined, log);
    assert.deepEqual(lines, [
      'info: resourceRules have no effect: metrics.k8s.io comes from kubelets; --resource-metrics=prometheus uses them',
    ]);
  });

  test('with --resource-metrics=prometheus a file without usable resourceRules is refused', () => {
    const refused = (text: string, expected: RegExp) =>
      assert.throws(() => open(text, undefined, undefined, undefined, true), expected);
    refused(`rules:${rule('a')}`, /resourceRules: the file has none, and --resource-metrics=prometheus needs them/);
    const query = `'x{<<.LabelMatchers>>}'`;
    const overrides = '{namespace: {resource: namespace}, node: {resource: node}, pod: {resource: pod}}';
    const of = `{source: nowhere, containerQuery: ${query}, nodeQuery: ${query}, resources: {overrides: ${overrides}}, containerLabel: container}`;
    const elsewhere = `resourceRules: {window: 5m, cpu: ${of}, memory: ${of}}\n`;
    refused(elsewhere, /resourceRules\.memory\.source: no --prometheus-url has the name nowhere/);
    // They have no effect without the flag.
    open(elsewhere);
    refused('resourceRules: {window: 5m}\n', /resourceRules\.cpu\.containerQuery: resourceRules\.cpu: no label names/);
  });
});
