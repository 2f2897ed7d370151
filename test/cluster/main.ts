/** The command line of the test cluster: build, up, down, status, capture. */
import path from 'node:path';
import { capture } from './capture.ts';
import { down } from './down.ts';
import { UnmetNeed } from './needs.ts';
import { readSettings, type Settings } from './settings.ts';
import { status } from './status.ts';
import { allModules, build } from './toolchain.ts';
import { up } from './up.ts';

/** Each returns the exit code. */
const commands = new Map<string, (settings: Settings) => Promise<number>>([
  [
    'build',
    async (settings) => {
      for (const module of allModules) console.log(await build(settings, module));
      return 0;
    },
  ],
  [
    'up',
    async (settings) => {
      await up(settings);
      return 0;
    },
  ],
  [
    'down',
    async (settings) => {
      await down(settings);
      return 0;
    },
  ],
  ['status', async (settings) => ((await status(settings)) ? 0 : 1)],
  [
    'capture',
    async (settings) => {
      await capture(settings, path.resolve(import.meta.dirname, '../testdata/captures'));
      return 0;
    },
  ],
]);

process.exitCode = await main(process.argv.slice(2));

/** 0 done, 1 failed, 2 the machine or the command line is not as needed. */
async function main(args: readonly string[]): Promise<number> {
  const command = commands.get(args[0] ?? '');
  if (command === undefined || args.length !== 1) {
    console.error(`usage: npm run cluster -- ${[...commands.keys()].join('|')}`);
    return 2;
  }
  try {
    return await command(readSettings());
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    if (error instanceof UnmetNeed) return 2;
    if (args[0] === 'up')
      console.error('what was started is left to be looked at; `npm run cluster -- down` removes it');
    return 1;
  }
}
