/** Logs that cannot be written, by a process of their own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';

const source = path.join(import.meta.dirname, '../../src');

/** Logs, waits for a line on its standard input, logs again and again, and ends. */
const program = `
import { createLogger } from ${JSON.stringify(path.join(source, 'logging.ts'))};
import { once } from 'node:events';
const log = createLogger('text', 0);
process.stdout.write('ready\\n');
await once(process.stdin, 'data');
for (let line = 0; line < 5000; line += 1) {
  log.info({ line, filler: 'x'.repeat(1000) }, 'a line');
  if (line % 100 === 0) await new Promise(setImmediate);
}
process.stdout.write('alive\\n', () => process.exit(0));
`.replaceAll('\\\\n', '\\n');

describe('a process', () => {
  test('outlives the reader of its log', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'pipe'] });
    await once(child.stdout, 'data');
    child.stderr.destroy();
    await once(child.stderr, 'close');
    child.stdin.write('go\n');
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    assert.match(said.toString(), /alive/);
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });

  test('outlives a full disk', async () => {
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', full] });
    closeSync(full);
    await once(child.stdout!, 'data');
    child.stdin!.write('go\n');
    const [said] = (await once(child.stdout!, 'data')) as [Buffer];
    assert.match(said.toString(), /alive/);
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });

  test('ends as usual where nobody reads what it prints', async () => {
    const child = spawn(process.execPath, [path.join(source, 'main.ts'), '--help'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.stdout.destroy();
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    assert.equal(errors, '');
  });
});
