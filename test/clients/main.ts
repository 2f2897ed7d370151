/** Runs the client matrix against Kubernetes 1.29 on loopback, without root and without nodes, and prints the totals. */
import path from 'node:path';
import { requireCommands, UnmetNeed } from '../cluster/needs.ts';
import { printTotals, runTestFiles, succeeded } from '../cluster/testrun.ts';
import { type OlderMinor, openOlderMinor, useOlderMinor } from './older.ts';

/** What the clients are made of and asked with, beside Go. */
const commands = [
  ['apt-get', 'Debian'],
  ['curl', 'apt-get install curl'],
  ['python3', 'apt-get install python3-venv'],
] as const;

process.exitCode = await main(process.env['KUBEGAUGE_CLIENTS_SERVER'] ?? 'kubegauge');

/** 0 passed, 1 failed, 2 the machine is not as needed. */
async function main(server: string): Promise<number> {
  let opened: OlderMinor | undefined;
  const interrupted = () => {
    // What has been started ends with us; a second Ctrl-C does not wait for it.
    void Promise.resolve(opened?.[Symbol.asyncDispose]()).finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    if (server !== 'kubegauge' && server !== 'metrics-server') {
      throw new UnmetNeed(`KUBEGAUGE_CLIENTS_SERVER must be kubegauge or metrics-server, not ${server}`);
    }
    requireCommands(commands);
    await using older = await openOlderMinor(server);
    opened = older;
    useOlderMinor(older);
    const files = [path.join(import.meta.dirname, 'older.clients.ts')];
    const totals = await runTestFiles(files, () => older[Symbol.asyncDispose]());
    printTotals(totals);
    return succeeded(totals) ? 0 : 1;
  } catch (error) {
    console.error(error instanceof UnmetNeed ? error.message : error);
    console.log('0 passed, 1 failed');
    return error instanceof UnmetNeed ? 2 : 1;
  } finally {
    process.removeListener('SIGINT', interrupted);
    process.removeListener('SIGTERM', interrupted);
  }
}
