/**
 * Makes equal sets of labels the same object: pods of one template share theirs, and who wants to know something of a set needs to find it out once.
 * Sets that nobody holds any more are forgotten.
 */
import type { Labels } from '../apimachinery/labels.ts';

export interface LabelSets {
  /** The set that is held already, if an equal one is; otherwise this one, from now on. */
  share(labels: Labels): Labels;
  /** How many sets are remembered; after sets were let go of, some of those too, until the next sweep. */
  readonly size: number;
}

/** More sets than these with the same hash are not an accident; they are not shared, and so cost nobody but themselves. */
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
      const held = reference.deref();
      if (held !== undefined && areEqual(held, labels)) return held;
    }
    const living = bucket.filter(isHeld);
    if (living.length >= bucketLimit) return labels;
    // Spreading would leave room for more in each of thousands of lists.
    buckets.set(hash, living.concat(new WeakRef(labels)));
    size += living.length + 1 - bucket.length;
    if (size >= sweepSize) sweep();
    return labels;
  }

  /** Each time that there are twice as many as the last time left, so that a set costs the same however many there are. */
  function sweep(): void {
    size = 0;
    for (const [hash, bucket] of buckets) {
      const living = bucket.filter(isHeld);
      if (living.length === 0) buckets.delete(hash);
      else if (living.length < bucket.length) buckets.set(hash, living);
      size += living.length;
    }
    sweepSize = Math.max(firstSweepSize, 2 * size);
  }
}

function isHeld(reference: WeakRef<Labels>): boolean {
  return reference.deref() !== undefined;
}

/** Whatever their order. */
export function areEqual(some: Labels, others: Labels): boolean {
  if (some.size !== others.size) return false;
  for (const [key, value] of some) if (others.get(key) !== value) return false;
  return true;
}

/** Of the values alone: keys are the same in many sets. The order does not matter. */
function hashOf(labels: Labels): number {
  let sum = labels.size;
  for (const value of labels.values()) {
    let hash = 0;
    for (let index = 0; index < value.length; index += 1) hash = (Math.imul(hash, 31) + value.charCodeAt(index)) | 0;
    sum = (sum + hash) | 0;
  }
  return sum;
}
