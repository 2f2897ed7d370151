/** Makes equal label sets one object, shared by pods of one template; unused sets are garbage-collected. */
import type { Labels } from '../apimachinery/labels.ts';

export interface LabelSets {
  share(labels: Labels): Labels;
  /** Includes unused sets until the next sweep. */
  readonly size: number;
}

/** Sets with the same hash; more are an attack, and not shared, so they slow down no others. */
const bucketLimit = 8;
const firstSweepSize = 1024;

export function createLabelSets(): LabelSets {
  const buckets = new Map<number, readonly WeakRef<Labels>[]>();
  let size = 0;
  let sweepSize = firstSweepSize;
  return {
    share,
    get size() {
      return size;
    },
  };

  function share(labels: Labels): Labels {
    const hash = hashOf(labels);
    const bucket = buckets.get(hash) ?? [];
    for (const reference of bucket) {
      const known = reference.deref();
      if (known !== undefined && areEqual(known, labels)) return known;
    }
    const living = bucket.filter(isAlive);
    if (living.length >= bucketLimit) return labels;
    // Spreading would allocate larger arrays, for thousands of buckets.
    buckets.set(hash, living.concat(new WeakRef(labels)));
    size += living.length + 1 - bucket.length;
    if (size >= sweepSize) sweep();
    return labels;
  }

  /** Runs whenever the table has doubled, so the cost per set is constant. */
  function sweep(): void {
    size = 0;
    for (const [hash, bucket] of buckets) {
      const living = bucket.filter(isAlive);
      if (living.length === 0) buckets.delete(hash);
      else if (living.length < bucket.length) buckets.set(hash, living);
      size += living.length;
    }
    sweepSize = Math.max(firstSweepSize, 2 * size);
  }
}

function isAlive(reference: WeakRef<Labels>): boolean {
  return reference.deref() !== undefined;
}

/** Compares in any order. */
export function areEqual(some: Labels, others: Labels): boolean {
  if (some.size !== others.size) return false;
  for (const [key, value] of some) if (others.get(key) !== value) return false;
  return true;
}

/** Ignores the order, and keys, which are the same in many sets. */
function hashOf(labels: Labels): number {
  let sum = labels.size;
  for (const value of labels.values()) {
    let hash = 0;
    for (let index = 0; index < value.length; index += 1) hash = (Math.imul(hash, 31) + value.charCodeAt(index)) | 0;
    sum = (sum + hash) | 0;
  }
  return sum;
}
