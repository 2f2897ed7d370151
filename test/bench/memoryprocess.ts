/** Fills a store and reports to its parent by how many bytes this process has grown, garbage aside. */
import { fillStore } from './fullstore.ts';
import { createCollect } from './heap.ts';

const collect = createCollect();
collect();
const beforeBytes = process.memoryUsage().rss;
const { storage, pods } = fillStore(Number(process.argv[2]));
collect();
// Asked for after the measurement, so that neither is garbage before it.
const afterBytes = process.memoryUsage().rss;
if (storage.counts().containers < pods.list().length) throw new Error('the store lacks containers');
process.send?.(afterBytes - beforeBytes);
process.once('disconnect', () => process.exit(0));
