import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readRulesArguments } from '../../../src/command/rulesarguments.ts';

test('without an engine there is none to ask', () => {
  const { file, output, engines, kubeconfig } = readRulesArguments(['check', 'rules.yaml']);
  assert.deepEqual([file, output, engines, kubeconfig], ['rules.yaml', 'table', [], undefined]);
});

test('an engine has the settings of its flags', () => {
  const { engines } = readRulesArguments([
    'check',
    '-',
    '--prometheus-url=http://a',
    '--prometheus-verb=POST',
    '--prometheus-header=X-Scope-OrgID=team-a',
    '--prometheus-token-file=/token',
  ]);
  assert.deepEqual(
    engines.map(({ name, url, verb, headers, tokenFile }) => [name, url, verb, headers, tokenFile]),
    [['prometheus', 'http://a', 'POST', ['X-Scope-OrgID=team-a'], '/token']],
  );
});

test('an account is chosen by the flags of the server', () => {
  const settingsOf = (...flags: readonly string[]) => {
    const { engines } = readRulesArguments(['check', 'a', '--prometheus-url=http://a', ...flags]);
    return engines.map(({ authConfig, isInCluster }) => [authConfig, isInCluster]);
  };
  assert.deepEqual(settingsOf(), [[undefined, false]]);
  assert.deepEqual(settingsOf('--prometheus-auth-config=/kubeconfig'), [['/kubeconfig', false]]);
  assert.deepEqual(settingsOf('--prometheus-auth-incluster'), [[undefined, true]]);
  assert.deepEqual(settingsOf('--prometheus-auth-incluster=false'), [[undefined, false]]);
});

describe('refused are, with what to write instead', () => {
  for (const [argv, message] of [
    [[], /^kubegauge rules needs a command: write kubegauge rules check <file>$/],
    [['test', 'a'], /^kubegauge rules test: write kubegauge rules check <file>$/],
    [['check'], /needs a file/],
    [['check', 'a', 'b'], /one file at a time: b/],
    [['check', 'a', '-o', 'xml'], /-o xml: must be one of table, json/],
    [['check', 'a', '--nope'], /unknown flag --nope; see kubegauge rules --help/],
    [['check', 'a', '--prometheus-verb=PUT'], /must be one of GET, POST/],
    [['check', 'a', '--url=http://b'], /unknown flag --url; did you mean --prometheus-url\?/],
    [['check', 'a', '--prometheus-urls=http://b'], /did you mean --prometheus-url\?/],
    [['check', '--config=a'], /write the file without it: kubegauge rules check <file>/],
    [['check', '-c', 'a'], /write the file without it: kubegauge rules check <file>/],
    [['check', 'a', 'http://b'], /write the URL of an engine as --prometheus-url=<url>/],
    [['check', 'a', '--prometheus-url=localhost:9090'], /is no http or https URL; write <url>/],
    [['check', 'a', '--prometheus-url'], /see kubegauge rules --help/],
    [['check', 'a', '--prometheus-auth-incluster=yes'], /--prometheus-auth-incluster=yes: must be true or false/],
    [
      ['check', 'a', '--prometheus-url=http://a', '--prometheus-auth-incluster', '--prometheus-auth-config=b'],
      /at the same time/,
    ],
    [
      ['check', 'a', '--prometheus-url=x=http://a', '--prometheus-url=y=http://b', '--prometheus-auth-incluster'],
      /each of x, y would get our token/,
    ],
    [
      ['check', 'a', '--prometheus-url=x=http://a', '--prometheus-url=y=http://b', '--prometheus-header=A=b'],
      /--prometheus-header: each of x, y would get it/,
    ],
  ] as const)
    test(argv.join(' '), () => assert.throws(() => readRulesArguments(argv), { name: 'UsageError', message }));
});
