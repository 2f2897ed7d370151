/** Describes an endpoint to the decoder. */
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
  /** Indexes of families that change by themselves; others change only with rows. */
  readonly moving: readonly number[];
  readonly identity: Identity;
  /** Samples up to this age are certainly taken. */
  readonly oldestMs: number;
  /**
   * @param rows the previous body's, by row number; grows.
   * @param numbers empty.
   */
  collect(rows: Row[], numbers: RowNumbers): Collector<Carried>;
  /** Returns what the next body needs of a row. @param neighbour the previous row's. */
  kept(row: Row, neighbour: Row | undefined): Row;
}

/** Collects the samples of one body. */
export interface Collector<Carried> extends SampleSink {
  readonly numbers: RowNumbers;
  readonly columns: readonly number[];
  /** Whether `numbers` holds all, also for the next body. */
  readonly isPlain: boolean;
  /** Undefined if not reported. */
  readonly hasSwap: boolean | undefined;
  /** Slow path: chooses one row per container. @param carried from the previous choice. */
  choose(time: AnswerTime, carried: Carried | undefined): Steps<Choice<Carried>>;
}

export type Choice<Carried> =
  | (ChosenRows & {
      readonly kind: 'chosen';
      readonly doubts: Doubts | undefined;
      readonly seen: readonly number[];
      readonly carried: Carried;
    })
  | { readonly kind: 'unusable'; readonly reason: string };

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** Why /metrics/resource, which asks the runtime, may have more rows. */
export interface Doubts {
  /** With a cgroup but no container in use: in creation, or under gVisor or kata. */
  readonly pods: readonly PodName[];
  /** Containers without labels: cAdvisor did not reach the runtime when it found them. */
  readonly unlabelled: boolean;
}
