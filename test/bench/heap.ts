/** How much of the JavaScript heap something takes: what it allocates while it runs, and what it leaves behind. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Collects all garbage now. */
export type Collect = () => void;

export function createCollect(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}

/**
 * Bytes that one call allocates, several times; one during which V8 collected garbage would report too little and is left out. Buffers are not on the heap.
 * Each is of many calls: V8 hands out memory in larger pieces.
 */
export function allocatedBytes(call: () => void, collect: Collect): readonly number[] {
  const bytes: number[] = [];
  collect();
  // A collection may also throw compiled code away.
  for (let again = 0; again < attempts; again += 1) call();
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const before = getHeapStatistics().used_heap_size;
    for (let time = 0; time < callsAtOnce; time += 1) call();
    const allocated = (getHeapStatistics().used_heap_size - before) / callsAtOnce;
    if (allocated > 0) bytes.push(allocated);
  }
  return bytes;
}

const attempts = 25;
const callsAtOnce = 20;
