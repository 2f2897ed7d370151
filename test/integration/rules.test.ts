/** `kubegauge rules check` as a program: exit codes, what it prints, and what it asks of an engine. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { AskedEngines } from '../../src/command/rulestext.ts';
import { createFakeApiServer } from '../fakes/apiserver.ts';
import { aggregatedDiscovery, builtIn, describedResource } from '../fakes/discovery.ts';
import { createFakePrometheus, type FakePrometheus } from '../fakes/prometheus.ts';
import { type ProgramResult, runProgram } from '../fakes/program.ts';
import { kubeconfigFor } from '../fakes/wholecluster.ts';

let folder: string;
let engine: FakePrometheus;

before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
});
after(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  engine = await createFakePrometheus();
});
afterEach(() => engine[Symbol.asyncDispose]());

const requests = `rules:
- seriesQuery: http_requests_total{namespace!="",pod!=""}
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  name: {matches: ^(.*)_total$, as: "\${1}_per_second"}
  metricsQuery: sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)
`;

const resourceRule = (series: string) => `
    containerQuery: 'sum by (<<.GroupBy>>) (${series}{<<.LabelMatchers>>})'
    nodeQuery: 'sum by (<<.GroupBy>>) (${series}{<<.LabelMatchers>>,id="/"})'
    resources: {overrides: {namespace: {resource: namespace}, node: {resource: node}, pod: {resource: pod}}}
    containerLabel: container`;
const resourceRules = `resourceRules:\n  cpu:${resourceRule('cpu')}\n  memory:${resourceRule('memory')}\n  window: 5m\n`;

function check(text: string, ...argv: readonly string[]): Promise<ProgramResult> {
  const file = path.join(folder, 'rules.yaml');
  writeFileSync(file, text);
  return runProgram(['rules', 'check', file, ...argv], { HOME: folder });
}

describe('kubegauge rules check', () => {
  for (const format of ['table', 'json'] as const) {
    test(`a secret in the URL is not printed as ${format}, also where the engine repeats it`, async () => {
      const secret = 'a-parameter-that-rules-check-hides';
      engine.seriesOf = () => [{ __name__: 'http_requests_total', namespace: 'shop', pod: secret }];
      engine.resultOf = () => [[{ pod: secret }, '1']];
      const { out, err } = await check(
        requests,
        `--prometheus-url=${engine.url}/?access_token=${secret}`,
        '-o',
        format,
      );
      assert.match(out, /<redacted>/);
      assert.doesNotMatch(`${out}${err}`, new RegExp(secret));
    });
  }

  test('explains a file that loads, and exits with 0', async () => {
    const { code, out, err } = await check(requests);
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /rules\.yaml loads: 1 rule, 0 external rules\n/);
    assert.match(out, /^ {2}objects {4}pods by label pod, namespaces by label namespace$/m);
    assert.match(out, /^ {13}http_requests_total becomes http_requests_per_second$/m);
    assert.match(
      out,
      /^ {2}query {6}sum\(rate\(http_requests_total\{namespace="default",pod="pod-0"\}\[2m\]\)\) by \(pod\)$/m,
    );
  });

  test('says that an empty file serves nothing, and where that may come from', async () => {
    const { code, out } = await check('');
    assert.equal(code, 0);
    assert.match(out, /loads: 0 rules, 0 external rules/);
    assert.match(out, /rules, externalRules and resourceRules are missing or empty, so the file gives no metric/);
    assert.match(out, /kubectl get configmap <name> -o yaml/);
  });

  test('exits with 1 for a file that does not load, and prints each problem with its line', async () => {
    const { code, out } = await check('rules:\n- seriesquery: a\n  name: {as: x}\n- metricsQuery: [a]\n');
    assert.equal(code, 1);
    assert.match(
      out,
      /does not load:\n\n {2}ERROR {2}line 2, rules\[0\]\.seriesquery: unknown key .*; did you mean seriesQuery\?\n {2}ERROR {2}line 4, /,
    );
  });

  test('exits with 2 for a file that is not there, and for a usage error', async () => {
    const missing = await runProgram(['rules', 'check', path.join(folder, 'none.yaml')]);
    assert.equal(missing.code, 2);
    assert.match(missing.err, /^kubegauge: the rules cannot be checked: there is no file .*none\.yaml/);
    const aFolder = await runProgram(['rules', 'check', folder]);
    assert.equal(aFolder.code, 2);
    assert.match(aFolder.err, /is a folder; name the file in it, such as .*\/config\.yaml/);
    const usage = await runProgram(['rules', 'check']);
    assert.equal(usage.code, 2);
    assert.match(usage.err, /needs a file/);
  });

  test('reads a ConfigMap, and names the remedy for values of the Helm chart', async () => {
    const wrapped = `apiVersion: v1\nkind: ConfigMap\ndata:\n  config.yaml: |\n${requests.replaceAll(/^/gm, '    ')}\n`;
    const { code, out } = await check(wrapped);
    assert.equal(code, 0, out);
    assert.match(out, /data\["config\.yaml"\] loads: 1 rule/);
    const chart = await check('rules:\n  default: false\n  custom: []\n');
    assert.match(chart.out, /if these are values of the Helm chart, check the ConfigMap that it makes/);
  });

  test('asks an engine for series and values, and prints them by object', async () => {
    engine.seriesOf = (match) =>
      match.startsWith('http_requests_total')
        ? ['web-1', 'web-0'].map((pod) => ({ __name__: 'http_requests_total', namespace: 'shop', pod, code: '200' }))
        : [];
    engine.resultOf = (query) =>
      query.includes('by (pod)')
        ? [
            [{ pod: 'web-0' }, '10.5'],
            [{ pod: 'web-1' }, 'NaN'],
          ]
        : [[{ namespace: 'shop' }, '14']];
    const { code, out } = await check(requests, `--prometheus-url=${engine.url}`);
    assert.equal(code, 0, out);
    assert.match(out, /^ {2}found {6}2 series, 2 metrics$/m);
    assert.match(
      out,
      /pods\/http_requests_per_second from http_requests_total\n {13}shop\/web-0 = 10\.5\n {13}shop\/web-1 = left out: NaN\n/,
    );
    assert.match(out, /namespaces\/http_requests_per_second from http_requests_total\n {13}shop = 14\n/);
    const queries = engine.requests
      .filter(({ endpoint }) => endpoint === 'query')
      .map(({ parameters }) => parameters.get('query'));
    assert.deepEqual(
      new Set(queries),
      new Set([
        'sum(rate(http_requests_total{namespace="shop",pod=~"web-0|web-1"}[2m])) by (pod)',
        'sum(rate(http_requests_total{namespace="shop"}[2m])) by (namespace)',
      ]),
    );
  });

  test('one rule that the engine refuses does not touch another, and the exit code is 1', async () => {
    engine.seriesOf = () => [{ __name__: 'up', namespace: 'shop', pod: 'a', job: 'x' }];
    engine.resultOf = () => [[{ pod: 'a', namespace: 'shop' }, '1']];
    engine.fault = ({ parameters }) => {
      const body = '{"status":"error","errorType":"bad_data","error":"parse error"}';
      return parameters.get('match[]') === 'up{' ? { code: 400, body } : undefined;
    };
    const resources = 'resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}';
    const rule = (series: string) =>
      `- seriesQuery: '${series}'\n  ${resources}\n  metricsQuery: <<.Series>>{<<.LabelMatchers>>}\n`;
    const { code, out } = await check(`rules:\n${rule('up{')}${rule('up')}`, `--prometheus-url=${engine.url}`);
    assert.equal(code, 1, out);
    assert.match(
      out,
      /rules\[0\][^]*ERROR {6}Prometheus at .* answered 400 bad_data: parse error[^]*rules\[1\][^]*shop\/a = 1\n/,
    );
  });

  test('an engine that cannot be reached is exit code 2, and the rules are explained nevertheless', async () => {
    await engine.down();
    const { code, out } = await check(requests, `--prometheus-url=${engine.url}`);
    assert.equal(code, 2, out);
    assert.match(out, /objects {4}pods by label pod[^]*ERROR {6}Prometheus at .* cannot be reached/);
    assert.doesNotMatch(out, /found {6}0 series/);
  });

  test('says which rule serves a metric that two rules have, and which series have no object', async () => {
    engine.seriesOf = (match) =>
      match === 'lost' ? [{ __name__: 'lost', job: 'x' }] : [{ __name__: 'up', pod: 'a', namespace: 'shop' }];
    engine.resultOf = () => [[{ pod: 'a', namespace: 'shop' }, '1']];
    const rule = (series: string, name: string) =>
      `- {seriesQuery: ${series}, name: {as: ${name}}, resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}, metricsQuery: '<<.Series>>{<<.LabelMatchers>>}'}\n`;
    const text = `rules:\n${rule('up', 'dup')}${rule('up', 'dup')}${rule('lost', 'lost')}`;
    const { out } = await check(text, `--prometheus-url=${engine.url}`);
    assert.match(out, /pods\/dup from up; rules\[1\] has it, too, and is served\n/);
    assert.match(out, /no label of these names an object: lost\n/);
  });

  test('asks the engine that a rule names, with its own headers, and says which rule names none', async () => {
    await using mimir = await createFakePrometheus();
    for (const each of [engine, mimir]) each.seriesOf = () => [{ __name__: 'up', pod: 'a', namespace: 'shop' }];
    engine.resultOf = () => [[{ pod: 'a', namespace: 'shop' }, '1']];
    mimir.resultOf = () => [[{ pod: 'a', namespace: 'shop' }, '2']];
    const rule = (name: string, source: string) =>
      `- {seriesQuery: up, name: {as: ${name}}, ${source}resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}, metricsQuery: '<<.Series>>{<<.LabelMatchers>>}'}\n`;
    const text = `rules:\n${rule('first', '')}${rule('second', 'source: mimir, ')}${rule('third', 'source: thanos, ')}`;
    const { code, out } = await check(
      text,
      `--prometheus-url=main=${engine.url}`,
      `--prometheus-url=mimir=${mimir.url}`,
      '--prometheus-header=mimir=X-Scope-OrgID=team-a',
    );
    assert.equal(code, 1, out);
    assert.match(out, /^asked: main at http:.*, mimir at http:/m);
    assert.match(out, /pods\/first from up\n {13}shop\/a = 1\n/);
    assert.match(out, /pods\/second from up\n {13}shop\/a = 2\n/);
    assert.match(out, /ERROR {6}no --prometheus-url has the name thanos; write --prometheus-url=thanos=<url>/);
    assert.deepEqual(new Set(mimir.requests.map(({ headers }) => headers['x-scope-orgid'])), new Set(['team-a']));
    assert.deepEqual(new Set(engine.requests.map(({ headers }) => headers['x-scope-orgid'])), new Set([undefined]));
  });

  test('sends each query of resourceRules, and prints usages of containers and nodes', async () => {
    const pods = Array.from({ length: 7 }, (_, index) => `web-${index}`);
    engine.resultOf = (query) => {
      if (query.includes('by (node)')) return [[{ node: 'node-a' }, query.includes('(cpu') ? '0.25' : 'NaN']];
      if (!query.includes('namespace=~')) return [];
      const labels = { namespace: 'shop', container: 'app' };
      return query.includes('(cpu') ? pods.map((pod) => [{ ...labels, pod }, '0.5']) : [[{ namespace: 'shop' }, '1']];
    };
    const { code, out } = await check(resourceRules, `--prometheus-url=${engine.url}`);
    assert.equal(code, 0, out);
    const ofPods = pods.slice(0, 5).map((pod) => ` {13}shop/${pod}/app = 0\\.5\\n`);
    assert.match(out, new RegExp(`cpu\\.containerQuery\\n.*\\n${ofPods.join('')}  resourceRules\\.cpu\\.nodeQuery\\n`));
    assert.match(out, /cpu\.nodeQuery\n.*\n {13}node-a = 0\.25\n/);
    assert.match(
      out,
      /memory\.containerQuery\n.*\n {13}no value: no sample has the label namespace and the label pod and the label container\n {13}sum by \(namespace,pod,container\) \(memory\{namespace=~"\.\+",pod=~"\.\+"\}\)\n/,
    );
    assert.match(out, /memory\.nodeQuery\n.*\n {13}node-a = left out: NaN\n/);
    const queries = engine.requests.map(({ parameters }) => parameters.get('query'));
    assert.deepEqual(queries.slice(0, 3), [
      'sum by (pod,container) (cpu{namespace="kube-system",pod=~".+"})',
      'sum by (namespace,pod,container) (cpu{namespace=~".+",pod=~".+"})',
      'sum by (node) (cpu{node=~".+",id="/"})',
    ]);
  });

  test('asks the engine that resourceRules name, and says which names none', async () => {
    await using mimir = await createFakePrometheus();
    mimir.resultOf = () => [[{ node: 'node-a', pod: 'dns-0', container: 'app' }, '2']];
    engine.resultOf = () => [[{ node: 'node-a', pod: 'dns-0', container: 'app' }, '1']];
    const of = (source: string) =>
      resourceRules.replace(/(memory:[^]*?)( {4}containerLabel)/, `$1    source: ${source}\n$2`);
    const urls = [`--prometheus-url=main=${engine.url}`, `--prometheus-url=mimir=${mimir.url}`];
    const { code, out } = await check(of('mimir'), ...urls);
    assert.equal(code, 0, out);
    assert.match(out, /cpu\.nodeQuery\n.*\n {13}node-a = 1\n/);
    assert.match(out, /memory\.nodeQuery, source mimir\n.*\n {13}node-a = 2\n/);
    const lacking = await check(of('thanos'), ...urls);
    assert.equal(lacking.code, 1, lacking.out);
    assert.match(
      lacking.out,
      /memory\.nodeQuery, source thanos\n.*\n {13}no value: no --prometheus-url has the name thanos/,
    );
  });

  test('a query of resourceRules that the engine refuses is exit code 1, and one that the file lacks is not sent', async () => {
    const result = [[{ pod: 'dns-0', container: 'app' }, '2']] as const;
    engine.resultOf = () => result;
    engine.fault = ({ parameters }) => {
      const body = '{"status":"error","errorType":"bad_data","error":"parse error"}';
      return parameters.get('query')?.includes('(memory') === true ? { code: 400, body } : undefined;
    };
    const lacking = resourceRules.replace(/nodeQuery: .*\(cpu.*/, "nodeQuery: ''");
    const { code, out } = await check(lacking, `--prometheus-url=${engine.url}`, '-o', 'json');
    assert.equal(code, 1, out);
    const { asked } = JSON.parse(out) as { readonly asked: AskedEngines };
    assert.deepEqual(
      asked.resourceQueries.map(({ path: at, values, problem = '' }) => [
        at,
        values[0]?.object,
        / answered (.*)/.exec(problem)?.[1],
      ]),
      [
        ['resourceRules.cpu.containerQuery', 'kube-system/dns-0/app', undefined],
        ['resourceRules.memory.containerQuery', undefined, '400 bad_data: parse error'],
        ['resourceRules.memory.nodeQuery', undefined, '400 bad_data: parse error'],
      ],
    );
    await engine.down();
    assert.equal((await check(resourceRules, `--prometheus-url=${engine.url}`)).code, 2);
  });

  test('queries carry the credentials of --prometheus-auth-config, and --prometheus-auth-incluster needs a pod', async () => {
    const kubeconfig = path.join(folder, 'prometheus');
    const user = { name: 'a', user: { token: 'its-token' } };
    const context = { name: 'a', context: { cluster: 'a', user: 'a' } };
    const clusters = [{ name: 'a', cluster: { server: 'https://unused' } }];
    writeFileSync(kubeconfig, JSON.stringify({ 'current-context': 'a', contexts: [context], clusters, users: [user] }));
    const url = `--prometheus-url=${engine.url}`;
    const { code, out, err } = await check(resourceRules, url, `--prometheus-auth-config=${kubeconfig}`);
    assert.equal(code, 0, `${out}${err}`);
    assert.ok(engine.requests.length > 0);
    for (const { headers } of engine.requests) assert.equal(headers.authorization, 'Bearer its-token');
    const outside = await check(resourceRules, url, '--prometheus-auth-incluster');
    assert.equal(outside.code, 2);
    assert.match(outside.err, /needs a pod; outside of one, use --prometheus-auth-config=<file>/);
  });

  test("knows the cluster's resources with --kubeconfig, and notes those that it has not", async () => {
    await using apiServer = await createFakeApiServer();
    const widgets = describedResource('example.com', 'v1', 'widgets', 'Widget');
    for (const [document, body] of aggregatedDiscovery([...builtIn, widgets])) apiServer.documents.set(document, body);
    const kubeconfig = path.join(folder, 'kubeconfig');
    writeFileSync(kubeconfig, kubeconfigFor(apiServer.url, apiServer.ca));
    engine.seriesOf = () => [{ __name__: 'parts', namespace: 'shop', widget: 'a' }];
    engine.resultOf = () => [[{ widget: 'a' }, '3']];
    const rule = (more: string) =>
      `- {seriesQuery: parts, resources: {${more}}, metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'}\n`;
    const text = `rules:\n${rule('template: <<.Resource>>')}${rule('overrides: {gadget: {resource: gadget}}')}`;
    const flags = [`--prometheus-url=${engine.url}`, `--kubeconfig=${kubeconfig}`];
    const { code, out } = await check(text, ...flags);
    assert.equal(code, 0, out);
    assert.match(out, /widgets\.example\.com\/parts from parts\n {13}shop\/a = 3\n/);
    assert.match(out, /NOTE .*the cluster has no resource gadget\n.*kubectl api-resources/);
    const without = await check(text, `--prometheus-url=${engine.url}`);
    assert.doesNotMatch(without.out, /widgets/);
    await apiServer[Symbol.asyncDispose]();
    const away = await check(text, ...flags);
    assert.equal(away.code, 2);
    assert.match(away.err, /the rules cannot be checked: /);
  });

  test('prints JSON without control characters, and no credentials of a URL', async () => {
    engine.seriesOf = () => [{ __name__: 'http_requests_total', namespace: 'shop', pod: 'a' }];
    const url = engine.url.replace('//', '//user:correcthorsebattery@');
    const { code, out } = await check(
      requests.replace('namespace!=""', 'namespace!="\\u001b"'),
      '-o',
      'json',
      `--prometheus-url=${url}`,
    );
    assert.equal(code, 0, out);
    assert.ok(!out.includes('correcthorsebattery'));
    const report = JSON.parse(out) as {
      readonly loads: boolean;
      readonly asked: { readonly rules: readonly { readonly path: string }[] };
    };
    assert.deepEqual([report.loads, report.asked.rules.map(({ path: at }) => at)], [true, ['rules[0]']]);
  });
});
