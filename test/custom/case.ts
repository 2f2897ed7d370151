/** Describes a case: one question to prometheus-adapter and to ours, or a few lines that observe one server after the other. */
import type { Review } from '../conformance/case.ts';
import type { Answer, Question } from '../conformance/client.ts';
import type { NormaliseOptions, Observation } from '../conformance/normalise.ts';
import type { RowName } from './differences.ts';
import type { CustomServer, CustomServerName } from './servers.ts';

/** A deliberate difference: its row of the table, and our answer made from the adapter's. */
export interface Difference {
  readonly row: RowName;
  /** @param ours has the words that may vary; all else is made from the adapter's. */
  readonly ours: (real: Observation, ours: Observation) => unknown;
  /** It shows in some of these answers only. */
  readonly isOptional?: boolean;
  /** Only where it sends its own queries; with the adapter's it is the same. */
  readonly isOfOwnQueries?: boolean;
  /** Ours asks the engine nothing, or what it asks is not compared. Default: it asks what the adapter does. */
  readonly queries?: 'none' | 'any';
}

interface Stated {
  /** Numbers of section 4.4 of the reference. */
  readonly statements: readonly number[];
  /** Unique in its group. */
  readonly name: string;
  readonly differs?: Difference;
}

export interface Exchange extends Stated {
  readonly question: Question;
  /** The adapter's. A fixture that is broken must not make everything equal. */
  readonly status: number;
  readonly compare?: NormaliseOptions;
}

export interface Probe extends Stated {
  readonly probe: (watch: Watch) => Promise<unknown>;
  /** Expectation of the adapter. */
  readonly expect?: unknown;
}

export type CustomCase = Exchange | Probe;

export interface Watch {
  readonly name: CustomServerName;
  readonly server: CustomServer;
  ask(question: Question): Promise<Answer>;
  /** Bodies of the reviews that the server sent while this ran. */
  reviews(during: () => Promise<unknown>): Promise<readonly Review[]>;
}

/** Where only equality counts: of reads that are made from what is listed. */
export const anyStatus = 0;

export const C = '/apis/custom.metrics.k8s.io/v1beta2';
export const C1 = '/apis/custom.metrics.k8s.io/v1beta1';
export const M = '/apis/metrics.k8s.io/v1beta1';
export const X = '/apis/external.metrics.k8s.io/v1beta1';

interface MoreOfExchange extends Omit<Question, 'path'> {
  readonly accept?: string;
  readonly differs?: Difference;
  readonly compare?: NormaliseOptions;
}

/** An exchange that is called after what it asks. */
export function exchange(
  statements: number | readonly number[],
  path: string,
  status: number,
  { accept, differs, compare, ...question }: MoreOfExchange = {},
): Exchange {
  const headers = [...(question.headers ?? []), ...(accept === undefined ? [] : [['Accept', accept] as const])];
  const shown = headers.map(([name, value]) => ` ${name}: ${value}`).join(',');
  const method = question.method ?? 'GET';
  return {
    statements: [statements].flat(),
    name: `${method} ${path}${shown}`,
    status,
    question: { path, ...question, headers },
    ...(differs === undefined ? {} : { differs }),
    ...(compare === undefined ? {} : { compare }),
  };
}
