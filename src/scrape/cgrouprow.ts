/** What a sample of cAdvisor is of: a cgroup with the labels that it is told with. */
import type { Sample } from '../exposition/sample.ts';

export interface CgroupRow {
  /** machine is the root cgroup, pod is a pod's own or its sandbox's, unlabelled is a slice or what nobody has labelled, unknown is none of them. */
  readonly kind: 'machine' | 'container' | 'pod' | 'unlabelled' | 'unknown';
  readonly path: string;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** @param like a row of the same pod, probably, whose strings then serve for both. */
export function rowOf(sample: Sample, like: CgroupRow | undefined): CgroupRow {
  const path = sample.label('id');
  const namespace = shared(sample.label('namespace'), like?.namespace);
  const pod = shared(sample.label('pod'), like?.pod);
  const container = sample.label('container');
  return { kind: kindOf(), path, namespace, pod, container };

  function kindOf(): CgroupRow['kind'] {
    if (container === '' && namespace === '' && pod === '') {
      return path === '/' && sample.label('name') === '' && sample.label('image') === '' ? 'machine' : 'unlabelled';
    }
    if (namespace === '' || pod === '') return 'unknown';
    // The sandbox is container="POD" with dockershim and CRI-O, and "" with containerd, as the pod itself.
    return container === '' || container === 'POD' ? 'pod' : 'container';
  }
}

/** Equal for rows that are the same. */
export function keyOf({ kind, path, namespace, pod, container }: CgroupRow): string {
  return `${path}\0${namespace}\0${pod}\0${container}\0${kind}`;
}

function shared(text: string, like: string | undefined): string {
  return text === like ? like : text;
}
