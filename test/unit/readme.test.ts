import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { version } from '../../src/version.ts';
import { renderDocuments } from '../readme.ts';

for (const { file, is, shouldBe } of renderDocuments()) {
  test(`the generated parts of ${file} are up to date; \`npm run readme\` writes them`, () =>
    assert.equal(is, shouldBe));
}

test('there is one version number', () => {
  const manifest = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../../package.json'), 'utf8'));
  assert.equal(manifest.version, version);
});
