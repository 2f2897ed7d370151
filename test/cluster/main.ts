/** The command line of the test cluster: build, up, down, status, image, load, capture. */
import path from 'node:path';
import { capture } from './capture.ts';
import { down } from './down.ts';
import { importArchive } from './image.ts';
import { UnmetNeed } from './needs.ts';
import { parts, usualParts } from './parts.ts';
import { buildManifestsImage } from './product-image.ts';
import { readRecord, readSettings, type Settings } from './settings.ts';
import { status } from './status.ts';
import { up } from './up.ts';

type Command = (settings: Settings, args: readonly string[]) => Promise<number>;

/** Each returns the exit code. `build` takes the names of parts, `image` and `load` a file; the others take nothing. */
const commands = new Map<string, Command>([
  ['build', buildParts],
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
  ['image', buildProductArchive],
  ['load', loadArchive],
  [
    'capture',
    async (settings) => {
      await capture(settings, path.resolve(import.meta.dirname, '../testdata/captures'));
      return 0;
    },
  ],
]);

const usage = `usage: npm run cluster -- <command>
  build [parts]   builds Kubernetes and the other programs into the cache
  up              starts a cluster of one node, and leaves it running
  status          shows its processes, node, pods and APIServices
  image <file>    builds the product's image into a file, an OCI archive
  load <file>     imports such a file into the running cluster
  capture         records responses of its kubelet for tests
  down            ends the cluster, and removes all of it`;

process.exitCode = await main(process.argv.slice(2));

/** Returns 0 when done, 1 when it failed, 2 when the machine or the command line is not as needed. */
async function main([name = '', ...args]: readonly string[]): Promise<number> {
  const command = commands.get(name);
  if (command === undefined || (!['build', 'image', 'load'].includes(name) && args.length > 0)) {
    console.error(usage);
    return 2;
  }
  try {
    return await command(readSettings(), args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    if (error instanceof UnmetNeed) return 2;
    if (name === 'up') console.error('what was started is left to be looked at; `npm run cluster -- down` removes it');
    return 1;
  }
}

/** Builds the product's image into a file, for KUBEGAUGE_E2E_IMAGE. */
async function buildProductArchive(_settings: Settings, [file]: readonly string[]): Promise<number> {
  if (file === undefined)
    throw new UnmetNeed('needs: the file to write, as in `npm run cluster -- image /tmp/image.tar`');
  await buildManifestsImage(path.resolve(file));
  return 0;
}

/** Imports an OCI archive into the cluster that runs. */
async function loadArchive(settings: Settings, [file]: readonly string[]): Promise<number> {
  if (file === undefined)
    throw new UnmetNeed('needs: the file to import, as in `npm run cluster -- load /tmp/image.tar`');
  const record = readRecord(settings);
  if (record === undefined) throw new UnmetNeed('needs: a running cluster (npm run cluster -- up)');
  await importArchive(settings, record, path.resolve(file));
  console.log(`${file} is imported`);
  return 0;
}

/** Builds the parts of these names, the usual ones where there are none. */
async function buildParts(settings: Settings, names: readonly string[]): Promise<number> {
  const wanted = names.length === 0 ? usualParts : names;
  for (const name of wanted) {
    const make = parts.get(name);
    if (make === undefined) throw new UnmetNeed(`there is no part ${name}; there are ${[...parts.keys()].join(', ')}`);
    await make(settings);
    console.log(`${name} is there`);
  }
  return 0;
}
