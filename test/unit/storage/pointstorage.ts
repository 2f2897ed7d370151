/** A storage that takes points, and gives batches the layout of the one before where that is the same, as the decoder does. */
import { type Layout, toBatch } from '../../../src/sample/batch.ts';
import type { ResponseTimes } from '../../../src/sample/clockstep.ts';
import type { NodePoints } from '../../../src/sample/point.ts';
import { createStorage, type Storage, type StorageOptions, type StoreResult } from '../../../src/storage/storage.ts';

export interface PointStorage extends Omit<Storage, 'store'> {
  store(points: NodePoints, times?: ResponseTimes): StoreResult;
}

export function createPointStorage(options: StorageOptions): PointStorage {
  const storage = createStorage(options);
  const layouts = new Map<string, Layout>();
  return {
    ...storage,
    store(points, times) {
      const batch = toBatch(points, layouts.get(points.node));
      layouts.set(points.node, batch.layout);
      return storage.store(batch, times);
    },
  };
}
