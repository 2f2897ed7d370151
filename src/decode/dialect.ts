/** What the decoder needs to know of an endpoint: its families, how its series are identified, how rows are chosen. */
import type { Identity } from '../exposition/sampleposition.ts';
import type { SampleSink } from '../exposition/sample.ts';
import type { NodeBatch } from '../sample/batch.ts';
import type { ChosenRows } from './fastpath.ts';
import type { RowNumbers } from './rownumbers.ts';
import type { AnswerTime } from './sampletime.ts';
import type { Steps } from './steps.ts';

/** One kubelet endpoint. */
export interface Dialect<Row, Carried> {
  readonly source: NodeBatch['source'];
  readonly families: readonly string[];
  /** Indexes of the families whose values change by themselves: with the rows of the previous body, the others have nothing new. */
  readonly moving: readonly number[];
  readonly identity: Identity;
  /** A sample up to this age in milliseconds is certainly still taken. */
  readonly oldestMs: number;
  /**
   * Returns a collector for one body.
   * @param rows what row numbers stand for: those of the previous body; grows.
   * @param numbers empty.
   */
  collect(rows: Row[], numbers: RowNumbers): Collector<Carried>;
  /** Returns what the next body needs of a row. @param neighbour the same of the previous row. */
  kept(row: Row, neighbour: Row | undefined): Row;
}

/** Collects the samples of one body. */
export interface Collector<Carried> extends SampleSink {
  readonly numbers: RowNumbers;
  /** Whether all numbers of the body are in `numbers`, where those of the next body will be. */
  readonly isPlain: boolean;
  /** Whether the node has swap; undefined if the kubelet does not report it. */
  readonly hasSwap: boolean | undefined;
  /** Slow path: chooses one row per container. @param carried from the previous choice. */
  choose(time: AnswerTime, carried: Carried | undefined): Steps<Choice<Carried>>;
}

export type Choice<Carried> =
  | (ChosenRows & {
      readonly kind: 'chosen';
      readonly doubts: Doubts | undefined;
      /** The rows that the body has, ascending. */
      readonly seen: readonly number[];
      /** For the next choice. */
      readonly carried: Carried;
    })
  | { readonly kind: 'unusable'; readonly reason: string };

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** Why the rows may not be complete: /metrics/resource, which asks the runtime, may have more. */
export interface Doubts {
  /** Pods with a cgroup but without a container that uses anything: in creation, or under gVisor or kata. */
  readonly pods: readonly PodName[];
  /** Whether containers' cgroups are without labels: cAdvisor did not reach the runtime when it found them. */
  readonly unlabelled: boolean;
}
