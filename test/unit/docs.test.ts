/** Holds that links and anchors of all documents lead somewhere, and that commands in README and docs/ are run by a test or say why not. */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { causes } from '../docs/causes.ts';
import { documents, readDocument, root } from '../docs/documents.ts';
import { anchorsOf, linksOf, splitBlocks } from '../docs/markdown.ts';
import { notRunReason, shellBlocks } from '../docs/shellblocks.ts';
import { explanations } from '../docs/troubleshooting.ts';

const external = /^(?:https?|mailto):/;

test('every link between documents leads to a file and an anchor', () => {
  const problems = documents.flatMap((file) =>
    linksOf(readDocument(file)).flatMap(({ line, target }) => {
      const problem = external.test(target) ? undefined : problemOf(file, target);
      return problem === undefined ? [] : [`${file}:${line} ${target}: ${problem}`];
    }),
  );
  assert.ok(documents.length > 15, 'the documents are found');
  assert.deepEqual(problems, []);
});

function problemOf(file: string, target: string): string | undefined {
  const [link = '', anchor] = target.split('#');
  if (link.startsWith('/')) return 'links are relative';
  const to = link === '' ? file : path.join(path.dirname(file), link);
  if (to.startsWith('..')) return 'it is outside of the repository';
  const absolute = path.join(root, to);
  if (!existsSync(absolute)) return 'there is no such file';
  if (anchor === undefined) return undefined;
  if (!statSync(absolute).isFile() || !to.endsWith('.md')) return 'only documents have anchors';
  return anchorsOf(readDocument(to)).has(anchor) ? undefined : 'there is no such heading';
}

test('every page of docs/ is linked from the list of pages', () => {
  const listed = new Set(linksOf(readDocument('docs/README.md')).map(({ target }) => `docs/${target}`));
  const pages = documents.filter((file) => /^docs\/[^/]+\.md$/.test(file) && file !== 'docs/README.md');
  assert.deepEqual(
    pages.filter((page) => !listed.has(page)),
    [],
  );
});

test('a shell block of README or docs/ that no test runs says why', () => {
  const silent = shellBlocks().filter(({ mark }) => mark.startsWith('not-run') && notRunReason(mark) === '');
  assert.deepEqual(
    silent.map(({ file, line }) => `${file}:${line}`),
    [],
  );
});

test('commands in docs/ are in shell blocks, where a test finds them', () => {
  const isCommand = /^(?: {4}|\t)\s*(?:kubectl|kubegauge|npm|docker|helm|curl) /;
  const pages = documents.filter((file) => /^docs\/[^/]+\.md$/.test(file));
  const found = pages.flatMap((file) =>
    splitBlocks(readDocument(file)).prose.flatMap((line, index) =>
      isCommand.test(line) ? [`${file}:${index + 1}`] : [],
    ),
  );
  assert.deepEqual(found, []);
});

describe('Markdown', () => {
  test('anchors are those of GitHub', () => {
    const text = '# A `b`: C, d!\n## [Link](x.md) it\n## Same\n## Same\n```sh\n# no heading\n```\n<a id="own"></a>\n';
    assert.deepEqual([...anchorsOf(text)], ['a-b-c-d', 'link-it', 'same', 'same-1', 'own']);
  });

  test('links in code are none', () => {
    const text = '[a](b.md#c) `[no](no)` ![d](e.svg "title")\n```\n[no](no)\n```\n';
    assert.deepEqual(
      linksOf(text).map(({ target }) => target),
      ['b.md#c', 'e.svg'],
    );
  });

  test('a fenced block has its language, its mark and its text', () => {
    const { blocks } = splitBlocks('x\n```sh not-run: no registry\na\n\nb\n```\ny\n');
    assert.deepEqual(blocks, [{ line: 2, language: 'sh', mark: 'not-run: no registry', text: 'a\n\nb\n' }]);
  });

  test('a fence without an end is an error', () => assert.throws(() => splitBlocks('```sh\na\n'), /line 1 has no end/));
});

test('docs/troubleshooting.md has a message of the program for each code', () => {
  assert.deepEqual([...explanations().keys()].toSorted(), Object.keys(causes).toSorted());
});
