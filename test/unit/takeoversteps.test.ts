/** Holds that the documented ways from metrics-server and back are those that takeover.e2e.ts runs on a real cluster. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import {
  allowBundle,
  goBack,
  insecureApiService,
  ownInsecure,
  takeOver,
  takeOverServerSide,
} from '../cluster/e2e/takeoversteps.ts';
import { parse } from 'yaml';
import { readDocument } from '../docs/documents.ts';
import { type FencedBlock, splitBlocks } from '../docs/markdown.ts';
import { callsOf } from '../docs/shellwords.ts';

/** Returns the one shell block of a document that has all the words. */
function blockIn(file: string, ...words: readonly string[]): FencedBlock {
  const found = splitBlocks(readDocument(file)).blocks.filter(
    ({ language, text }) => language === 'sh' && words.every((word) => text.includes(word)),
  );
  assert.equal(found.length, 1, `${file} has one block with ${words.join(', ')}`);
  return found[0] ?? assert.fail();
}

function kubectlIn(file: string, ...words: readonly string[]): string[][] {
  return callsOf('kubectl', blockIn(file, ...words).text);
}

describe('the way from metrics-server is the tested one', () => {
  test('in docs/migrate.md', () => {
    assert.deepEqual(kubectlIn('docs/migrate.md', 'last-applied', 'rollout status'), takeOver);
  });

  test('in docs/migrate.md where it was applied server-side: the field gets a second owner before', () => {
    const { text } = blockIn('docs/migrate.md', '--field-manager');
    assert.deepEqual(callsOf('kubectl', text), ownInsecure);
    assert.deepEqual(parse(/<<'END'\n(.*)\nEND$/s.exec(text.trim())?.[1] ?? ''), insecureApiService);
    const [applied = []] = takeOverServerSide;
    assert.ok(readDocument('docs/migrate.md').includes(`\`kubectl ${applied.join(' ')}\``));
  });

  test('in README, where it looks for an APIService before and at the numbers behind', () => {
    const calls = kubectlIn('README.md', 'docker build', 'apply -k my-cluster');
    assert.deepEqual(calls, [['get', 'apiservice', 'v1beta1.metrics.k8s.io'], ...takeOver, ['top', 'nodes']]);
  });

  test('in docs/install.md, without a metrics-server, and with a wait for the APIServices', () => {
    const calls = kubectlIn('docs/install.md', 'apply -k my-cluster', 'rollout status');
    assert.deepEqual(calls.slice(0, 2), takeOver.slice(1));
    assert.deepEqual(calls[2]?.slice(0, 2), ['wait', '--for=condition=Available']);
  });
});

describe('the way back is the tested one', () => {
  for (const file of ['README.md', 'docs/upgrade-and-go-back.md']) {
    test(`in ${file}`, () => assert.deepEqual(kubectlIn(file, 'keep-off-ca-bundle":'), goBack));
  }

  test('what is removed after it begins with the annotation', () => {
    assert.deepEqual(kubectlIn('docs/upgrade-and-go-back.md', 'keep-off-ca-bundle-')[0], allowBundle);
  });
});

test('takeover.e2e.ts runs all ways, step by step', () => {
  const e2e = readFileSync(path.resolve(import.meta.dirname, '../cluster/e2e/takeover.e2e.ts'), 'utf8');
  for (const way of ['takeOver', 'goBack', 'ownInsecure', 'takeOverServerSide'])
    assert.match(e2e, new RegExp(`await walk\\(${way}, `));
  assert.match(e2e, /cluster\.kubectl\(allowBundle\)/);
});

describe('calls in a shell block', () => {
  test('have quoted words and continued lines', () => {
    const script = `if kubectl get a > /dev/null 2>&1; then\n  kubectl patch b \\\n    -p '{"c":" d"}'\nfi\nkubectl top e | grep f\ndocker push g\n`;
    assert.deepEqual(callsOf('kubectl', script), [
      ['get', 'a'],
      ['patch', 'b', '-p', '{"c":" d"}'],
      ['top', 'e'],
    ]);
  });
});
