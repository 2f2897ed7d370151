/** Starts a fleet in a process of its own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { FleetOptions } from './fleet.ts';
import type { Command, Report } from './fleetprocess.ts';

export interface ForkedFleet extends AsyncDisposable {
  readonly port: number;
  /** From now on missed turns count. */
  watchTurns(): void;
  report(): Promise<Report>;
}

export async function forkFleet(options: FleetOptions): Promise<ForkedFleet> {
  const child = fork(path.join(import.meta.dirname, 'fleetprocess.ts'), [JSON.stringify(options)]);
  const ended = once(child, 'exit');
  const port = await answer();
  if (typeof port !== 'number') throw new Error('the fleet did not start');
  const send = (command: Command) => child.send(command);
  return {
    port,
    watchTurns: () => void send('watch turns'),
    report: async () => {
      send('report');
      return (await answer()) as Report;
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };

  async function answer(): Promise<unknown> {
    const [message] = await Promise.race([once(child, 'message'), ended]);
    if (!child.connected) throw new Error('the fleet has ended');
    return message;
  }
}
