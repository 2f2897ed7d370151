/** The commands that `npm start` prints, with each kubectl on the PATH and with none: they print what is shown under them. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { readSettings } from '../cluster/settings.ts';
import { kubectls } from './kubectls.ts';

const root = path.resolve(import.meta.dirname, '../..');
/** Two scrapes, the commands of the tour, and a busy machine. */
const tourTimeoutMs = 300_000;

describe('the commands of npm start', () => {
  for (const kubectl of kubectls) {
    test(`print what is shown, with ${kubectl.name}`, async () => {
      const folder = path.dirname(await kubectl.install(readSettings()));
      await withStandin([folder, '/usr/bin', '/bin'].join(path.delimiter), (shown, run) => {
        const tops = shown.filter(({ typed }) => / top (?:nodes|pods) ?/.test(typed));
        assert.equal(tops.length, 2, JSON.stringify(shown));
        for (const { typed, lines } of tops) {
          const { status, printed } = run(typed);
          assert.equal(status, 0, `${typed}: ${printed.join('\n')}`);
          // The width of columns moves with the usage.
          assert.equal(printed[0]?.trim().replaceAll(/ +/g, ' '), lines[0]?.trim().replaceAll(/ +/g, ' '));
          assert.match(lines[0] ?? '', /NAME +CPU\(cores\)/);
          // A name, and usage of at least one core's thousandth: no `<unknown>`.
          assert.match(lines[1] ?? '', / \d+m .*\d+Mi/);
        }
      });
    });
  }

  test('are those of kubegauge alone on a machine without kubectl and curl', async () => {
    await withStandin('/nowhere', (shown) => {
      assert.deepEqual(
        shown.map(({ typed }) => typed.replace(/ --kubeconfig=.*/, '')),
        ['npm run -s serve -- doctor'],
      );
      assert.match(shown[0]?.lines[0] ?? '', /^ERROR +HorizontalPodAutoscaler jobs\/worker/);
    });
  });
});

interface Shown {
  readonly typed: string;
  readonly lines: readonly string[];
}

/** Starts the stand-in with a PATH, and hands over the commands that it printed and a function that runs one as typed. */
async function withStandin(
  PATH: string,
  look: (shown: readonly Shown[], run: (typed: string) => { status: number | null; printed: string[] }) => void,
): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'first-run-'));
  const env = { PATH, HOME: folder };
  const flags = ['--port=0', '--api-port=0', '--nodes=1', '--pods=20', '--calm', `--cert-dir=${folder}`];
  const child = spawn(process.execPath, [path.join(root, 'test/standin/main.ts'), ...flags], { cwd: root, env });
  let output = '';
  child.stderr.resume();
  try {
    const whole = Promise.withResolvers<void>();
    const late = setTimeout(
      () => whole.reject(new Error(`npm start printed no whole tour in ${tourTimeoutMs} ms: ${output}`)),
      tourTimeoutMs,
    );
    child.once('exit', (code) => whole.reject(new Error(`npm start ended with ${code}: ${output}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('A line for each change follows')) whole.resolve();
    });
    await whole.promise.finally(() => clearTimeout(late));
    const shown = [...output.matchAll(/^\$ (.*)\n((?: {2}.*\n)+)/gm)].map(([, typed = '', lines = '']) => ({
      typed,
      lines: lines.split('\n').map((line) => line.slice(2)),
    }));
    look(shown, (typed) => {
      const { status, stdout, stderr } = spawnSync('sh', ['-c', typed], { cwd: root, env, encoding: 'utf8' });
      return { status, printed: `${stdout}${stderr}`.split('\n') };
    });
  } finally {
    if (child.exitCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    await rm(folder, { recursive: true });
  }
}
