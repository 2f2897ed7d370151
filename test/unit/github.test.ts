/** Holds .github/ to what GitHub reads, and its commands and paths to what is in the repository. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { flags } from '../../src/options/flags.ts';

const repository = path.resolve(import.meta.dirname, '../..');
const github = path.join(repository, '.github');
const read = (file: string): string => readFileSync(path.join(repository, file), 'utf8');
const files = globSync('**/*.yml', { cwd: github }).toSorted();
const workflows = files.filter((file) => file.startsWith('workflows/'));
const forms = files.filter((file) => file.startsWith('ISSUE_TEMPLATE/') && !file.endsWith('config.yml'));
const scripts = JSON.parse(read('package.json')).scripts;

test('every file is YAML without an error or a warning', () => {
  assert.ok(workflows.length >= 4 && forms.length >= 2, files.join());
  for (const file of files) {
    for (const document of parseAllDocuments(read(`.github/${file}`))) {
      assert.deepEqual([...document.errors, ...document.warnings], [], file);
    }
  }
});

describe('workflows', () => {
  const lines = workflows.flatMap((file) => read(`.github/${file}`).split('\n'));

  test('pin each action by its commit, with its version in a comment', () => {
    const used = lines.filter((line) => /^\s*(?:- )?uses: (?!\.\/)/.test(line));
    assert.ok(used.length > 5);
    for (const line of used) assert.match(line, /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    const pins = new Map<string, Set<string>>();
    for (const [, action = '', pin = ''] of used.map((line) => /uses: (\S+)@(.*)$/.exec(line) ?? [])) {
      pins.set(action, (pins.get(action) ?? new Set()).add(pin));
    }
    for (const [action, found] of pins) assert.equal(found.size, 1, `${action} has one pin`);
  });

  test('leave no token in the checkout, and have no rights but those of their jobs', () => {
    for (const file of workflows) {
      const { permissions, jobs } = parse(read(`.github/${file}`));
      assert.ok(
        Object.values(permissions).every((right) => right === 'read'),
        file,
      );
      for (const { steps = [] } of Object.values<{ steps?: { uses?: string; with?: Record<string, unknown> }[] }>(
        jobs,
      )) {
        for (const step of steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'))) {
          assert.equal(step.with?.['persist-credentials'], false, file);
        }
      }
    }
  });

  test('put nothing that others choose into a script', () => {
    for (const file of workflows) {
      for (const { steps = [] } of Object.values<{ steps?: { run?: string }[] }>(parse(read(`.github/${file}`)).jobs)) {
        for (const { run = '' } of steps) assert.doesNotMatch(run, /\$\{\{/, `${file}: use env`);
      }
    }
  });

  test('run scripts of package.json', () => {
    const named = lines.flatMap((line) =>
      [...line.matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, name = '']) => name),
    );
    assert.ok(named.length > 2);
    assert.deepEqual(
      named.filter((name) => !Object.hasOwn(scripts, name)),
      [],
    );
  });

  test('call workflows that are there', () => {
    const called = lines.flatMap((line) => /uses: \.\/(\S+)/.exec(line)?.[1] ?? []);
    assert.deepEqual(
      called.filter((file) => !existsSync(path.join(repository, file))),
      [],
    );
  });
});

describe('issue forms', () => {
  interface Field {
    readonly type: string;
    readonly id?: string;
    readonly attributes: { readonly label?: string; readonly value?: string; readonly description?: string };
  }

  test('have what GitHub requires', () => {
    for (const file of forms) {
      const { name, description, body } = parse(read(`.github/${file}`)) as Record<string, unknown> & { body: Field[] };
      assert.ok(typeof name === 'string' && typeof description === 'string', file);
      const fields = body.filter(({ type }) => type !== 'markdown');
      for (const { type, id, attributes } of fields) {
        assert.ok(['textarea', 'input', 'dropdown', 'checkboxes'].includes(type), `${file}: ${type}`);
        assert.match(id ?? '', /^[\w-]+$/, file);
        assert.ok(attributes.label, `${file}: ${id}`);
      }
      assert.equal(new Set(fields.map(({ id }) => id)).size, fields.length, `${file}: ids are unique`);
    }
  });

  test('ask for what the program says of itself, by flags that it has', () => {
    const fault = read('.github/ISSUE_TEMPLATE/fault.yml');
    assert.match(fault, /\/metrics-server status/);
    assert.match(fault, /\/metrics-server doctor/);
    const known = new Set<string>(Object.keys(flags));
    const named = [...fault.matchAll(/\/metrics-server (?:status|doctor) --([\w-]+)/g)].map(([, name = '']) => name);
    assert.ok(named.length > 0);
    assert.deepEqual(
      named.filter((name) => !known.has(name)),
      [],
    );
  });
});

test('dependabot looks at folders that are there, in groups', () => {
  for (const { directory, groups, schedule } of parse(read('.github/dependabot.yml')).updates) {
    assert.ok(existsSync(path.join(repository, directory)), directory);
    assert.ok(Object.keys(groups).length > 0 && schedule.interval, directory);
  }
});

test('CODEOWNERS names paths that are there', () => {
  const paths = [...read('.github/CODEOWNERS').matchAll(/^(?:# )?(\/\S+)/gm)].map(([, file = '']) => file);
  assert.ok(paths.length > 5);
  assert.deepEqual(
    paths.filter((file) => !existsSync(path.join(repository, file))),
    [],
  );
});

test('CONTRIBUTING names scripts of package.json and files that are there', () => {
  const text = read('.github/CONTRIBUTING.md');
  const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name);
  assert.deepEqual(
    named.filter((name) => !Object.hasOwn(scripts, name)),
    [],
  );
  const paths = [...text.matchAll(/(?:`| )((?:test|src|docs)\/[\w/.-]+\.\w+)/g)].map(([, file = '']) => file);
  assert.ok(paths.length > 2);
  assert.deepEqual(
    paths.filter((file) => !existsSync(path.join(repository, file))),
    [],
  );
});
