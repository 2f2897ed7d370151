/** Runs the client matrix against Kubernetes 1.29 on loopback, without root and without nodes, and prints the totals. */
import path from 'node:path';
import { inLab } from '../cluster/labrun.ts';
import { requireCommands, UnmetNeed } from '../cluster/needs.ts';
import { printTotals, runTestFiles, succeeded } from '../cluster/testrun.ts';
import { openOlderMinor, useOlderMinor } from './older.ts';

/** Programs that build and run the clients, beside Go. */
const commands = [
  ['apt-get', 'Debian'],
  ['curl', 'apt-get install curl'],
  ['python3', 'apt-get install python3-venv'],
] as const;

process.exitCode = await main(process.env['KUBEGAUGE_CLIENTS_SERVER'] ?? 'kubegauge');

/** 0 passed, 1 failed, 2 the machine is not as needed. */
function main(server: string): Promise<number> {
  return inLab(
    async () => {
      if (server !== 'kubegauge' && server !== 'metrics-server') {
        throw new UnmetNeed(`KUBEGAUGE_CLIENTS_SERVER must be kubegauge or metrics-server, not ${server}`);
      }
      requireCommands(commands);
      return openOlderMinor(server);
    },
    async (older) => {
      useOlderMinor(older);
      const files = ['older.clients.ts', 'standin.clients.ts'].map((file) => path.join(import.meta.dirname, file));
      const totals = await runTestFiles(files, () => older[Symbol.asyncDispose]());
      printTotals(totals);
      return succeeded(totals) ? 0 : 1;
    },
  );
}
