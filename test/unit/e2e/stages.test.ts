import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { chooseStages } from '../../cluster/e2e/stages.ts';

const files = chooseStages([]).flatMap((stage) => stage.files);
const nameOf = (file: string) => path.basename(file, '.e2e.ts');

describe('the order of end-to-end files', () => {
  test('files that end the process of the server come after all others: nothing starts it again', () => {
    const endsProcess = (file: string) =>
      /\b(?:createVerifiedPods|replicas|basePod)\(/.test(readFileSync(file, 'utf8'));
    const first = files.findIndex(endsProcess);
    assert.ok(first > 0);
    assert.deepEqual(
      files
        .slice(first)
        .filter((file) => !endsProcess(file))
        .map(nameOf),
      [],
    );
  });

  test('files that share the pod by manifests/base come after those that replace it, and the one that changes it is last', () => {
    const usesPod = (file: string) => readFileSync(file, 'utf8').includes('shared.basePod()');
    const first = files.findIndex(usesPod);
    assert.deepEqual(files.slice(first).map(nameOf), ['pod', 'permissions', 'doctorapi']);
    assert.ok(files.slice(first).every(usesPod));
  });

  test('files that share two replicas follow each other, first the one that sees them start, last the one that replaces them', () => {
    const usesReplicas = (file: string) => readFileSync(file, 'utf8').includes('shared.replicas()');
    const first = files.findIndex(usesReplicas);
    const shared = files.slice(first, files.findLastIndex(usesReplicas) + 1);
    assert.deepEqual(shared.map(nameOf), ['kubeletpins', 'replicas', 'trust', 'takeover']);
  });

  test('parts of names choose files in the same order, and an unknown one is an error that lists them', () => {
    const chosen = chooseStages(['doctorapi', 'clients']).flatMap((stage) => stage.files.map(nameOf));
    assert.deepEqual(chosen, ['clients', 'doctorapi']);
    assert.throws(() => chooseStages(['no-such-file']), /there are top, /);
  });
});
