/** What the samples of one of a kubelet's endpoints mean: what decoding asks of cadvisor.ts and resource.ts. */
import type { NodeBatch } from '../sample/batch.ts';
import type { Identity } from '../exposition/sampleposition.ts';
import type { SampleSink } from '../exposition/sample.ts';
import type { RowNumbers } from './rownumbers.ts';
import type { AnswerTime } from './sampletime.ts';
import type { Steps } from './steps.ts';
import type { ChosenRows } from './fastpath.ts';

/** What one endpoint's samples mean. */
export interface Dialect<Row, Carried> {
  readonly source: NodeBatch['source'];
  readonly families: readonly string[];
  /** Those, by index, whose numbers change by themselves: with the same rows as before there is nothing to learn from the others. */
  readonly moving: readonly number[];
  readonly identity: Identity;
  /** Samples of this age in milliseconds are as good as young ones. */
  readonly oldestMs: number;
  /** @param rows what numbers stand for, those of the previous body; grows. @param numbers empty. */
  collect(rows: Row[], numbers: RowNumbers): Collector<Carried>;
  /** What is kept of a row for the next answer. @param neighbour what is kept of the row before it. */
  kept(row: Row, neighbour: Row | undefined): Row;
}

/** Takes the samples of one body. */
export interface Collector<Carried> extends SampleSink {
  readonly numbers: RowNumbers;
  /** Whether all numbers of this body are where those of the next one will be. */
  readonly isPlain: boolean;
  /** Whether the node has swap; undefined where the kubelet does not say. */
  readonly hasSwap: boolean | undefined;
  /** @param carried from the choice before. */
  choose(time: AnswerTime, carried: Carried | undefined): Steps<Choice<Carried>>;
}

export type Choice<Carried> =
  | (ChosenRows & {
      readonly kind: 'chosen';
      readonly doubts: Doubts | undefined;
      /** The rows that the body tells of, in ascending order. */
      readonly seen: readonly number[];
      /** For the next choice. */
      readonly carried: Carried;
    })
  | { readonly kind: 'unusable'; readonly reason: string };

/** Why the rows may not be the whole truth: /metrics/resource, which asks the runtime, may know more. */
export interface Doubts {
  /** Pods with a cgroup but without a container that uses anything: in creation, or under gVisor or kata. */
  readonly pods: readonly PodName[];
  /** Whether there are containers' cgroups without labels: cAdvisor did not reach the runtime when it found them. */
  readonly unlabelled: boolean;
}

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}
