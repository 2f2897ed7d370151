/** Holds that the documented way from prometheus-adapter and back is the one that prometheusadapter.e2e.ts runs on a real cluster. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { goBackToAdapter, prepareBeside, takeOverFromAdapter } from '../cluster/e2e/adaptersteps.ts';
import { parseObjects } from '../cluster/registration.ts';
import { readDocument, root } from '../docs/documents.ts';
import { splitBlocks } from '../docs/markdown.ts';
import { callsOf } from '../docs/shellwords.ts';

const document = 'docs/migrate-from-prometheus-adapter.md';

/** Returns kubectl's calls in the one block of the document that has the words. */
function kubectlIn(words: string): string[][] {
  const found = splitBlocks(readDocument(document)).blocks.filter(
    ({ language, text }) => language === 'sh' && text.includes(words),
  );
  assert.equal(found.length, 1, `${document} has one block with ${words}`);
  return callsOf('kubectl', found[0]?.text ?? '');
}

test('the rules come to the server by the tested commands, after the file was read from the cluster', () => {
  const [read, ...others] = kubectlIn('--selector ');
  assert.deepEqual(read?.slice(0, 4), ['-n', 'monitoring', 'get', 'configmap']);
  assert.deepEqual(others, prepareBeside);
});

test('their selector leaves out the APIServices of the components, and nothing else', () => {
  for (const [component, group] of [
    ['custom-metrics', 'custom.metrics.k8s.io'],
    ['external-metrics', 'external.metrics.k8s.io'],
  ] as const) {
    const files = globSync(`manifests/components/${component}/*.yaml`, { cwd: root });
    const objects = files.flatMap((file) => parseObjects(readFileSync(path.join(root, file), 'utf8')));
    for (const { kind, metadata } of objects) {
      const labels = (metadata as undefined | { labels?: Record<string, string> })?.labels;
      assert.equal(labels?.['kubegauge.io/registers'], kind === 'APIService' ? group : undefined);
    }
  }
});

test('the way from prometheus-adapter is the tested one, of three commands', () => {
  assert.deepEqual(kubectlIn('last-applied-configuration-'), takeOverFromAdapter);
  assert.equal(takeOverFromAdapter.length, 3);
});

test('the way back is the tested one', () => {
  assert.deepEqual(kubectlIn('kubectl patch apiservice'), goBackToAdapter);
});

test('prometheusadapter.e2e.ts runs them', () => {
  const e2e = readFileSync(path.resolve(import.meta.dirname, '../cluster/e2e/prometheusadapter.e2e.ts'), 'utf8');
  for (const way of ['prepareBeside', 'takeOverFromAdapter', 'goBackToAdapter'])
    assert.ok(e2e.includes(`await walk(${way})`), way);
});
