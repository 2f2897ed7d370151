/** How much memory the store and the pods' metadata take, in a process of their own that holds nothing else. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { podsPerNode } from './fullstore.ts';
import { type Figures, single } from './measure.ts';

const nodes = 1_000;

export async function benchMemory(figures: Figures): Promise<void> {
  const child = fork(path.join(import.meta.dirname, 'memoryprocess.ts'), [String(nodes)]);
  const ended = once(child, 'exit');
  const [grown] = await Promise.race([once(child, 'message'), ended]);
  if (!child.connected || typeof grown !== 'number') throw new Error('the store could not be filled');
  child.disconnect();
  await ended;
  const mebibytes = grown / 1024 ** 2;
  figures.set(`store.${nodes}x${podsPerNode}.rss`, single(mebibytes, 'MiB'));
  figures.set(
    `store.${nodes}x${podsPerNode}.rss-per-1000-pods`,
    single((mebibytes * 1000) / (nodes * podsPerNode), 'MiB'),
  );
}
