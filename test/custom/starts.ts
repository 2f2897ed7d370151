/** Starts the servers with one file each and observes whether they serve. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { waitFor } from '../cluster/wait.ts';
import type { Client } from '../conformance/client.ts';
import { C, X } from './case.ts';
import type { Outcome, StartCase } from './cases/files.ts';
import { type CustomServerName, type StartOptions, startServer, stopServer } from './servers.ts';

/** A busy machine takes some seconds for each of several. */
const startTimeoutMs = 180_000;

/** Lines about what is wrong; none when both do as stated. */
export async function judgeStart(
  client: Client,
  options: Omit<StartOptions, 'config' | 'label'>,
  { file, args = [], outcome, differs }: StartCase,
): Promise<readonly string[]> {
  const folder = mkdtempSync(path.join(options.folder, 'start-'));
  const config = path.join(folder, 'rules.yaml');
  writeFileSync(config, file);
  const [real, ours] = await Promise.all([outcomeOf('real'), outcomeOf('ours')]);
  const expected = differs?.ours ?? outcome;
  return [
    ...(real === outcome ? [] : [`the adapter: ${outcome} expected, ${real} seen`]),
    ...(ours === expected ? [] : [`ours: ${expected} expected, ${ours} seen`]),
  ];

  async function outcomeOf(name: CustomServerName): Promise<Outcome> {
    const server = await startServer(name, { ...options, folder, config, label: 'start', args });
    try {
      const isAlive = async () => {
        if (!server.process.running()) return 'ended';
        return (await client.ask(server, { path: '/livez' })).status === 200 && 'alive';
      };
      if ((await waitFor(`${name} to start or to end`, isAlive, startTimeoutMs, 100)) === 'ended') return 'refused';
      const isServed = async (target: string): Promise<boolean> => {
        // In its first moments the adapter does not trust the front proxy yet.
        const answered = async () => settled.get((await client.ask(server, { path: target })).status);
        return (await waitFor(`${name} to answer ${target}`, answered, startTimeoutMs, 100)) === 'served';
      };
      const served = [await isServed(C), await isServed(X)].join();
      return outcomes[served] ?? 'serves neither';
    } finally {
      await stopServer(server);
    }
  }
}

const settled = new Map([
  [200, 'served'],
  [404, 'not served'],
]);

const outcomes: Readonly<Record<string, Outcome>> = {
  'true,true': 'serves both',
  'true,false': 'serves custom',
  'false,true': 'serves external',
};
