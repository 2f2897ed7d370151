/** A fleet in a process of its own, so that answering costs its readers nothing. Reports its port, then what it is asked for, and ends with its parent. */
import { type FleetOptions, type Kind, kinds, startFleet } from './fleet.ts';

/** Messages of the parent: from now on missed turns count, or a request for a report. */
export type Command = 'watch turns' | 'report';

export type Report = Readonly<Record<Kind, { readonly asked: number; readonly missed: number }>>;

if (import.meta.main) {
  const fleet = await startFleet(JSON.parse(process.argv[2] ?? '') as FleetOptions);
  const of = (kind: Kind) => ({ asked: fleet.asked(kind), missed: fleet.missed(kind) });
  process.once('disconnect', () => process.exit(0));
  process.on('message', (command: Command) => {
    if (command === 'watch turns') fleet.watchTurns();
    else process.send?.(Object.fromEntries(Object.keys(kinds).map((kind) => [kind, of(kind as Kind)])));
  });
  process.send?.(fleet.port);
}
