import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { version } from '../../src/version.ts';
import { renderReadme } from '../readme.ts';

test("the README's flag table is that of the program; `npm run readme` writes it", () => {
  const { is, shouldBe } = renderReadme();
  assert.equal(is, shouldBe);
});

test('there is one version number', () => {
  const manifest = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../../package.json'), 'utf8'));
  assert.equal(manifest.version, version);
});
