/** Layouts as they come from another thread, made anew: clones take a third more room, and bring each text as often as it stands in them. */
import type { Layout } from '../../../sample/batch.ts';
import { nameLimit } from '../../../sample/point.ts';

/** Namespaces and names of containers, which are the same in many pods. */
const texts = new Map<string, string>();
/** There are fewer in any cluster that is not made to fill this; beyond it, nothing more is shared. */
const textLimit = 16_384;

/** The same layout. */
export function internLayout({ version, pods }: Layout): Layout {
  return {
    version,
    pods: pods.map(({ namespace, name, uid, firstRow, containers }) => ({
      namespace: shared(namespace),
      name,
      uid,
      firstRow,
      containers: containers.map(({ name, containerId }) => ({ name: shared(name), containerId })),
    })),
  };
}

function shared(text: string): string {
  const known = texts.get(text);
  if (known !== undefined) return known;
  // A hostile kubelet's texts would be held for ever.
  if (texts.size < textLimit && text.length <= nameLimit) texts.set(text, text);
  return text;
}
