import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { missingCauses } from '../../src/api/missing.ts';
import { statusText } from '../../src/command/statustable.ts';
import { columnsOf } from '../../src/top/columns.ts';
import { version } from '../../src/version.ts';
import { readDocument } from '../docs/documents.ts';
import { splitBlocks } from '../docs/markdown.ts';
import { renderDocuments } from '../readme.ts';

for (const { file, is, shouldBe } of renderDocuments()) {
  test(`the generated parts of ${file} are up to date; \`npm run readme\` writes them`, () =>
    assert.equal(is, shouldBe));
}

test('there is one version number', () => {
  const manifest = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../../package.json'), 'utf8'));
  assert.equal(manifest.version, version);
});

const readme = readDocument('README.md');
const { blocks } = splitBlocks(readme);
const blockWith = (text: string): string => {
  const found = blocks.find((block) => block.text.includes(text));
  assert.ok(found, `README has a block with ${text}`);
  return found.text;
};

describe('README', () => {
  test('has the two commands that CI begins with', () => {
    assert.equal(blockWith('npm start'), 'npm ci && npm start\n');
    assert.match(readme, /`npm ci && npm test`/);
  });

  test('shows kubegauge status as it is printed', () => {
    const nodes = [{ name: 'n', ready: true, state: 'scraped', failures: 0 }];
    const identity = { sent: 'own', reason: 'x' };
    const resourceMetrics = { source: 'kubelet', scrapesKubelets: true };
    const rest = { resourceMetrics, degraded: [], refused: [] };
    const report = { version, startTime: 't', resolution: '15s', staleness: '45s', ...rest };
    const printed = statusText({ ...report, kubeletIdentity: identity, nodes } as never).split('\n');
    const shown = blockWith('kubegauge status').split('\n');
    const titles = (lines: readonly string[]) => lines.find((line) => line.startsWith('NODE '))?.split(/ {3,}/);
    assert.deepEqual(titles(shown), titles(printed));
    const from = shown.indexOf('$ kubegauge status') + 1;
    assert.equal(shown[from]?.replace(/since \S+;/, 'since t;'), printed[0]);
    assert.deepEqual(shown.slice(from + 2, from + 4), printed.slice(2, 4));
  });

  test('and the page about it show kubegauge top with the columns that it has', () => {
    const screens = [readDocument('README.md'), readDocument('docs/top.md')].map((text) =>
      splitBlocks(text).blocks.find((block) => block.text.startsWith('kubegauge top  https://')),
    );
    const shown = screens.map((screen) => {
      assert.match(screen?.text ?? '', /\n 1 Nodes \[2 Pods\] /);
      const heading = screen?.text.split('\n').find((line) => /^ ?NAMESPACE /.test(line));
      return heading?.replace('*', '').trim().split(/ {2,}/);
    });
    // Without those for which the blocks are too narrow, and WHY, which is not there without a reason.
    const titles = columnsOf.pods
      .filter(({ title }) => title !== 'MEM TREND' && title !== 'WHY')
      .map(({ title }) => title);
    for (const each of shown) assert.deepEqual(each, titles);
  });

  test('shows the cause of a 404 in the words of the program', () => {
    const [, reason, message] = /"reason": "(.*)",\n\s+"message": "(.*)"/.exec(blockWith('"causes"')) ?? [];
    assert.ok(Object.values(missingCauses).some(([code, words]) => code === reason && words === message));
  });

  test('stops where IMAGE is missing, and says what to do', () => {
    const script = blockWith('IMAGE:?');
    const { status, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8', env: {}, cwd: '/' });
    assert.notEqual(status, 0);
    assert.match(stderr, /IMAGE: .*is not set: give it a place in your registry/);
  });

  test('builds, pushes and applies in this order, and stops at the first that fails', () => {
    const script = blockWith('docker build');
    const calls = (failing: string): string[] => {
      const stub = (name: string) => `${name}() { echo "${name} $1 $2" >&2; test "${name} $1" != "${failing}"; }`;
      const all = `${stub('docker')}\n${stub('kubectl')}\n${script}`;
      const { stderr } = spawnSync('sh', ['-ec', all], {
        encoding: 'utf8',
        env: { IMAGE: 'registry.example.com/a:1' },
      });
      return stderr.trim().split('\n');
    };
    const steps = ['docker build -t', 'docker push registry.example.com/a:1', 'kubectl annotate apiservice'];
    const rest = ['kubectl apply -k', 'kubectl -n kube-system', 'kubectl top nodes'];
    assert.deepEqual(calls('none'), [...steps, ...rest]);
    assert.deepEqual(calls('docker build'), steps.slice(0, 1));
    assert.deepEqual(calls('docker push'), steps.slice(0, 2));
    assert.deepEqual(calls('kubectl get'), [...steps.slice(0, 2), ...rest]);
  });

  test('has no comments in commands, which an interactive zsh does not take', () => {
    const commands = blocks.filter(({ language }) => language === 'sh').flatMap(({ text }) => text.split('\n'));
    assert.deepEqual(
      commands.filter((line) => /^\s*#/.test(line)),
      [],
    );
  });

  test('has the way back of the page about it, word for word', () => {
    const way = blockWith('keep-off-ca-bundle');
    const page = splitBlocks(readDocument('docs/upgrade-and-go-back.md')).blocks.map(({ text }) => text);
    assert.ok(page.includes(way));
  });
});
