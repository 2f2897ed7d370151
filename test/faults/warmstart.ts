/** Whether our server remembers usage over its own restart; it does as soon as it has the flag for it. */
import path from 'node:path';
import { flags } from '../../src/options/flags.ts';

const flag = 'snapshot-path';

export const startsWarm = flag in flags;

/** What makes it remember. */
export function warmStartArgs(folder: string): readonly string[] {
  return startsWarm ? [`--${flag}=${path.join(folder, 'snapshot')}`] : [];
}
