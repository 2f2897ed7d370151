/** The pods of a node's history, and which row and lines are theirs. */
import type { Layout, PodLayout } from '../sample/batch.ts';
import type { PodIdentity } from '../storage/podindex.ts';
import type { PointLines } from './pointring.ts';
import { lineKey } from './savedhistory.ts';

/** Reports whether a pod that the kubelet does not report exists in the API, so that its lines are kept. */
export type ExistsInApi = (pod: PodLayout) => boolean;

export const machine: PointLines = { row: 0, firstLine: 0, names: [''] };

/** Containers of a pod that the kubelet no longer reports and whose points are kept; of more, those that left last. */
export const departedLimit = 16;

/** Pods of a node that are searched one by one: a map per node would add a tenth to the memory of all points. */
const searchedLimit = 256;

/** The pods of the next layout. */
export interface NextPods {
  readonly table: PodTable;
  /** By pod, its index in the table before; -1 for a new one. */
  readonly before: Int32Array;
}

/** A pod has the row behind the machine's and its index. Arrays are by that index. */
export class PodTable {
  /** Their containers have a line each: first those of the layout, then those that have left. */
  readonly pods: readonly PodLayout[];
  /** Index in the layout; -1 for a pod that is not reported. */
  readonly layoutIndex: Int32Array;
  /** Containers that are in the layout; 0 for a pod that is not reported. */
  readonly reported: Int32Array;
  /** One per container, and the machine's. */
  readonly lineCount: number;
  readonly #firstLine: Int32Array;
  /** By lineKey; made when a large node is searched. */
  #index: ReadonlyMap<string, number> | undefined;

  constructor(pods: readonly PodLayout[], layoutIndex: Int32Array, reported: Int32Array) {
    this.pods = pods;
    this.layoutIndex = layoutIndex;
    this.reported = reported;
    this.#firstLine = new Int32Array(pods.length);
    let next = machine.firstLine + 1;
    for (const [pod, { containers }] of pods.entries()) {
      this.#firstLine[pod] = next;
      next += containers.length;
    }
    this.lineCount = next;
  }

  /** Returns pods none of which is reported yet. */
  static unreported(pods: readonly PodLayout[]): PodTable {
    return new PodTable(pods, new Int32Array(pods.length).fill(-1), new Int32Array(pods.length));
  }

  /**
   * Returns the pods of a layout, and those that it lacks but the API has. A container that the layout lacks, as while it
   * waits for its restart, stays as long as it has points.
   */
  next(layout: Layout, exists: ExistsInApi, hasPoints: (lines: PointLines, container: number) => boolean): NextPods {
    const known = new Map(this.pods.map((pod, index) => [lineKey(pod), index]));
    const pods: PodLayout[] = [];
    const layoutIndex: number[] = [];
    const reported: number[] = [];
    const before: number[] = [];
    for (const [index, pod] of layout.pods.entries()) {
      // A pod of another node must not fill the memory, and one without a UID may be any of its name.
      if (pod.uid === undefined || layout.unverified?.has(pod) === true) continue;
      const earlier = known.get(lineKey(pod)) ?? -1;
      pods.push(earlier === -1 ? pod : this.#withDeparted(pod, earlier, hasPoints));
      layoutIndex.push(index);
      reported.push(pod.containers.length);
      before.push(earlier);
    }
    const isReported = new Set(before);
    for (const [index, pod] of this.pods.entries()) {
      if (isReported.has(index) || !exists(pod)) continue;
      pods.push(pod);
      layoutIndex.push(-1);
      reported.push(0);
      before.push(index);
    }
    const table = new PodTable(pods, Int32Array.from(layoutIndex), Int32Array.from(reported));
    return { table, before: Int32Array.from(before) };
  }

  firstLine(pod: number): number {
    return this.#firstLine[pod]!;
  }

  linesOf(pod: number): PointLines {
    const names = this.pods[pod]!.containers.map(({ name }) => name);
    return { row: pod + 1, firstLine: this.firstLine(pod), names };
  }

  /** The kubelet's UID of a pod is the API's, or the hash of a static pod. */
  find({ uid, configHash, namespace, name }: PodIdentity): number | undefined {
    for (const id of [uid, configHash]) {
      const found = id === undefined ? undefined : this.#findExact(namespace, name, id);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #findExact(namespace: string, name: string, uid: string): number | undefined {
    if (this.pods.length > searchedLimit) {
      this.#index ??= new Map(this.pods.map((pod, index) => [lineKey(pod), index]));
      return this.#index.get(lineKey({ namespace, name, uid }));
    }
    const found = this.pods.findIndex((pod) => pod.uid === uid && pod.name === name && pod.namespace === namespace);
    return found === -1 ? undefined : found;
  }

  #withDeparted(
    pod: PodLayout,
    earlier: number,
    hasPoints: (lines: PointLines, container: number) => boolean,
  ): PodLayout {
    const { containers } = this.pods[earlier]!;
    const names = new Set(pod.containers.map(({ name }) => name));
    const lines = this.linesOf(earlier);
    const departed = containers.filter(({ name }, at) => !names.has(name) && hasPoints(lines, at));
    if (departed.length === 0) return pod;
    // Those that left now are before those that left earlier.
    return { ...pod, containers: [...pod.containers, ...departed.slice(0, departedLimit)] };
  }
}
