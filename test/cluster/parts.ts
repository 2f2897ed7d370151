/** Everything that has to be built or fetched before the suites on real programs can run, each kept in the cache once it is there. */
import { debianKubectl } from '../clients/kubectls.ts';
import { programs } from '../clients/programs.ts';
import { buildGoDecoder } from '../bench/godecoder.ts';
import type { Settings } from './settings.ts';
import { allModules, build, newerEngines } from './toolchain.ts';

/** By name. */
export const parts = new Map<string, (settings: Settings) => Promise<unknown>>([
  ['client-programs', installClients],
  ['bench-decode', buildGoDecoder],
]);
for (const module of [...allModules, ...newerEngines]) parts.set(module, (settings) => build(settings, module));

/** The parts that `npm run cluster -- build` makes, in its order. */
export const usualParts: readonly string[] = [...parts.keys()].filter(
  (name) => !newerEngines.some((engine) => engine === name),
);

/** The programs on client libraries, and the one kubectl that is not built. */
async function installClients(settings: Settings): Promise<void> {
  for (const program of programs) await program.install(settings);
  await debianKubectl(settings);
}
