/** Copies layouts cloned from another thread: clones take a third more memory, and repeat equal strings. */
import type { Layout } from '../../../sample/batch.ts';
import { nameLimit } from '../../../sample/point.ts';

/** More than any cluster's namespaces and container names, unless made to fill this. */
const stringLimit = 16_384;

/** Returns a function that copies a layout and interns strings that pods share. */
export function createLayoutIntern(): (layout: Layout) => Layout {
  const strings = new Map<string, string>();
  return ({ version, pods }) => ({
    version,
    pods: pods.map(({ namespace, name, uid, firstRow, containers }) => ({
      namespace: intern(namespace),
      name,
      uid,
      firstRow,
      containers: containers.map((container) => ({
        name: intern(container.name),
        containerId: container.containerId,
      })),
    })),
  });

  function intern(text: string): string {
    const known = strings.get(text);
    if (known !== undefined) return known;
    // Limits what a hostile kubelet can make us keep.
    if (strings.size < stringLimit && text.length <= nameLimit) strings.set(text, text);
    return text;
  }
}
