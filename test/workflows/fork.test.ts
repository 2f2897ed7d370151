/** Runs `.ci/run` as a fork has it: nothing beside the repository, no root. In the place of npm is a script that passes three tests. */
import assert from 'node:assert/strict';
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Outcome, outcomeOf } from '../cluster/command.ts';
import { repository } from './steps.ts';

const npm = `#!/bin/sh
echo "captures: \${CADVISOR_CAPTURES:-none}"
echo 'ℹ pass 3'
echo 'ℹ fail 0'
`;

describe('.ci/run in a fork', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'kubegauge-fork-'));
    await cp(path.join(repository, '.ci'), path.join(folder, 'clone/.ci'), { recursive: true });
    await mkdir(path.join(folder, 'bin'));
    await writeFile(path.join(folder, 'bin/npm'), npm);
    await writeFile(path.join(folder, 'bin/id'), '#!/bin/sh\necho 1000\n');
    for (const program of ['npm', 'id']) await chmod(path.join(folder, 'bin', program), 0o755);
  });
  after(() => rm(folder, { recursive: true }));

  const run = ({ ci }: { readonly ci: boolean }): Promise<Outcome> => {
    const { CI: _, CADVISOR_CAPTURES: __, ...env } = process.env;
    const PATH = `${path.join(folder, 'bin')}:${env['PATH']}`;
    return outcomeOf(path.join(folder, 'clone/.ci/run'), [], { env: { ...env, PATH, ...(ci ? { CI: 'true' } : {}) } });
  };

  test('passes without root, and says what it left out', async () => {
    const { exitCode, stdout } = await run({ ci: false });
    assert.match(stdout, /left out, need root and Go/);
    assert.match(stdout, /\n10 passed, 0 failed\n$/);
    assert.equal(exitCode, 0);
  });

  test('fails without root where CI=true, since nothing may be left out there', async () => {
    const { exitCode, stdout } = await run({ ci: true });
    assert.match(stdout, /must be there in CI/);
    assert.equal(exitCode, 1);
  });

  test('takes nothing from beside the repository', async () => {
    const { stdout } = await run({ ci: false });
    assert.ok(stdout.includes('captures: none'));
    assert.ok(!stdout.replaceAll('captures: none', '').includes('captures:'));
  });
});
