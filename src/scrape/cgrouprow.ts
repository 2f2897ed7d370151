/** What a sample of cAdvisor is of: a cgroup with the labels that it is told with. */
import type { Sample } from '../exposition/sample.ts';
import { type Cgroup, parseCgroup } from './cgroup.ts';

/** machine is the root cgroup, pod is a pod's own or its sandbox's, unlabelled is a slice or what nobody has labelled, unknown is none of them. */
type Kind = 'machine' | 'container' | 'pod' | 'unlabelled' | 'unknown';

export class CgroupRow {
  readonly kind: Kind;
  readonly path: string;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  #identity: { readonly cgroup: Cgroup; readonly containerId: string } | undefined;

  /** @param like a row of the same pod, probably, whose strings then serve for both. */
  constructor(sample: Sample, like: CgroupRow | undefined) {
    this.path = sample.label('id');
    this.namespace = shared(sample.label('namespace'), like?.namespace);
    this.pod = shared(sample.label('pod'), like?.pod);
    this.container = sample.label('container');
    this.kind = this.#kindOf(sample);
  }

  isLike({ kind, path, namespace, pod, container }: CgroupRow): boolean {
    return (
      kind === this.kind &&
      path === this.path &&
      container === this.container &&
      pod === this.pod &&
      namespace === this.namespace
    );
  }

  /** What the path tells, and the ID of the container's points. */
  identity(): { readonly cgroup: Cgroup; readonly containerId: string } {
    if (this.#identity === undefined) {
      const cgroup = parseCgroup(this.path);
      // A cgroup elsewhere under the same ID, as leaked ones, counts on its own: where it comes or goes, there is no rate between the two.
      this.#identity = { cgroup, containerId: `${cgroup.containerId}@${cgroup.depth}` };
    }
    return this.#identity;
  }

  #kindOf(sample: Sample): Kind {
    if (this.container === '' && this.namespace === '' && this.pod === '') {
      return this.path === '/' && sample.label('name') === '' && sample.label('image') === ''
        ? 'machine'
        : 'unlabelled';
    }
    if (this.namespace === '' || this.pod === '') return 'unknown';
    // The sandbox is container="POD" with dockershim and CRI-O, and "" with containerd, as the pod itself.
    return this.container === '' || this.container === 'POD' ? 'pod' : 'container';
  }
}

function shared(text: string, like: string | undefined): string {
  return text === like ? like : text;
}
