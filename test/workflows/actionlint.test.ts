import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { outcomeOf } from '../cluster/command.ts';
import { readSettings } from '../cluster/settings.ts';
import { build } from '../cluster/toolchain.ts';
import { repository } from './steps.ts';

test('actionlint finds nothing in the workflows', async () => {
  // It reads the steps by shellcheck, too, where that is installed.
  const actionlint = path.join(await build(readSettings(), 'actionlint'), 'actionlint');
  const { exitCode, stdout, stderr } = await outcomeOf(actionlint, ['-no-color'], { cwd: repository });
  assert.equal(exitCode, 0, stdout + stderr);
});
