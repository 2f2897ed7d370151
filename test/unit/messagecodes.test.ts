/** Holds that each code of a message is in the source and in docs/troubleshooting.md, and that what the page quotes is what the program prints. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import {
  bundleCodes,
  healthCodes,
  kubeletCodes,
  refusalCodes,
  startCodes,
  warningCodes,
  withPage,
} from '../../src/messagecodes.ts';
import { explainedReasons } from '../docs/answers.ts';
import { readDocument } from '../docs/documents.ts';
import { anchorsOf } from '../docs/markdown.ts';
import { bundleMessages, healthMessages, refusalMessages, startMessages, warningMessages } from '../docs/messages.ts';

const root = path.resolve(import.meta.dirname, '../..');
const sources = globSync('src/**/*.{ts,cjs}', { cwd: root })
  .filter((file) => file !== path.join('src', 'messagecodes.ts'))
  .map((file) => ({ file, text: readFileSync(path.join(root, file), 'utf8') }));
const source = sources.map(({ text }) => text).join('\n');
const codes = [...startCodes, ...healthCodes, ...bundleCodes, ...refusalCodes, ...warningCodes, ...kubeletCodes];
const page = readDocument('docs/troubleshooting.md');

test('a code is listed once', () => {
  assert.equal(new Set(codes.map((code) => code.toLowerCase())).size, codes.length);
});

test('each code is used by the program', () => {
  assert.deepEqual(
    codes.filter((code) => !source.includes(`'${code}'`) && !new RegExp(`^  ${code}: `, 'm').test(source)),
    [],
  );
});

test('each code has one heading in docs/troubleshooting.md, where messages point', () => {
  const headings = [...page.matchAll(/^### (\S+)$/gm)].map(([, code = '']) => code);
  assert.deepEqual(headings.toSorted(), codes.toSorted());
  const anchors = anchorsOf(page);
  for (const code of codes) {
    const [, anchor = ''] = /docs\/troubleshooting\.md#(\S+)\)$/.exec(withPage({ code, text: 'x' })) ?? [];
    assert.ok(anchors.has(anchor), code);
  }
});

test('the messages that the page quotes are in the source', () => {
  const tables = { ...startMessages, ...healthMessages, ...bundleMessages, ...refusalMessages, ...warningMessages };
  const words = source.replaceAll("\\'", "'");
  const missing = Object.entries(tables).flatMap(([code, { symptoms }]) =>
    symptoms.flatMap((symptom) =>
      symptom
        .split('...')
        .map((part) => part.replace(/^[\s:;]+|\s+$/g, ''))
        .filter((part) => part.length > 2 && !words.includes(part))
        .map((part) => `${code}: ${part}`),
    ),
  );
  assert.deepEqual(missing, []);
});

test('each reason of an answer to a client is in the table of status codes', () => {
  const reasons = [...source.matchAll(/new StatusError\(\s*'(\w+)'/g)].map(([, reason = '']) => reason);
  assert.ok(reasons.length > 10, 'the reasons are read');
  assert.deepEqual(
    [...new Set(reasons)].filter((reason) => !explainedReasons().includes(reason)),
    [],
  );
});

test('what is printed to standard error by hand has a page, too', () => {
  const bare = sources.flatMap(({ file, text }) =>
    text
      .split('\n')
      .filter((line) => /console\.error\(|stderr\.write\(/.test(line) && !line.includes('withPage('))
      .map((line) => `${file}: ${line.trim()}`),
  );
  // The Node of this file cannot import the codes.
  assert.deepEqual(bare, [`${path.join('src', 'supported-node.cjs')}: console.error(`]);
});
