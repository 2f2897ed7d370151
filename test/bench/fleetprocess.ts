/** A fleet in a process of its own, so that answering costs its readers nothing: tells its port, and ends when its parent does. */
import { startFleet } from './fleet.ts';

const fleet = await startFleet({ pods: Number(process.argv[2]), samples: 'cycling' });
process.once('disconnect', () => process.exit(0));
process.send?.(fleet.port);
