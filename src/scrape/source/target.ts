/** One node as a scrape target: which endpoint it is read from, and what came of it. */
import { hasMachine, type NodeBatch, toPoints } from '../../sample/batch.ts';
import type { Clock } from '../../clock.ts';
import type { Candidates } from '../../cluster/address.ts';
import { explainFailure, explainNoAddress } from '../../kubelet/explain/explainfailure.ts';
import type { Explanation } from '../../kubelet/explain/explanation.ts';
import type { Source } from '../../sample/point.ts';
import { lackingOf } from './coverage.ts';
import type { Cost, Endpoint, Told, ToldBatch } from '../endpoint/endpoint.ts';
import type { Addresses } from '../endpoint/addressfallback.ts';
import { createSuspicion } from './suspicion.ts';

/** What there is to know about a node for scraping it, as of now. */
export interface TargetAddress {
  /** Where its kubelet may answer, best first. */
  readonly candidates: Candidates;
  /** The node's own path for /metrics/resource, where it is annotated with one; then that is the only source. */
  readonly resourcePath: string | undefined;
}

/** Which endpoint to read; auto is cAdvisor, and /metrics/resource on nodes where cAdvisor does not know all. */
export type SourceMode = 'auto' | Source;

/** What the API knows of pods, to tell what a kubelet should know. */
export interface Expectations {
  /** Reports whether the pod runs, and may do so on the node. */
  isRunning(namespace: string, name: string, node: string): boolean;
  /** Reports whether pods of the node run for a while and its kubelet has not reported them. */
  anyUnreported(node: string): boolean;
}

export interface TargetOptions {
  /** The node's own. */
  readonly endpoint: Endpoint;
  readonly mode: SourceMode;
  readonly expectations: Expectations;
  readonly clock: Clock;
}

export type Outcome =
  | {
      readonly kind: 'scraped';
      readonly batch: NodeBatch;
      /** Why it is not cAdvisor that was read. */
      readonly fallback: string | undefined;
      /** Whether the kubelet sent families that it was not asked for, which are most of the answer then. */
      readonly isFull: boolean;
      readonly cost: Cost;
    }
  | { readonly kind: 'failed'; readonly why: Explanation };

export interface Target {
  /** Scrapes the node once; a kubelet that is down is an outcome, not an exception. */
  scrape(address: TargetAddress, signal: AbortSignal): Promise<Outcome>;
}

/** How long a node stays on /metrics/resource before /metrics/cadvisor is tried again; the spread keeps nodes from trying all at once. */
const fallbackMs = 10 * 60_000;
const fallbackSpreadMs = 2 * 60_000;

export function createTarget({ endpoint, mode, expectations, clock }: TargetOptions): Target {
  const suspicion = createSuspicion();
  /** Why /metrics/cadvisor is not used, and until when. */
  let fallback: { readonly reason: string; readonly untilMs: number } | undefined;

  return { scrape };

  async function scrape({ candidates, resourcePath }: TargetAddress, signal: AbortSignal): Promise<Outcome> {
    if (candidates.kind === 'none') return failed(explainNoAddress(candidates));
    const at = candidates.candidates;
    try {
      if (resourcePath !== undefined || mode === 'resource') {
        return outcomeOf(await endpoint.resource(at, signal, resourcePath));
      }
      if (fallback !== undefined) return await fromResource(at, signal, fallback);
      const told = await endpoint.cadvisor(at, signal);
      if (mode === 'cadvisor') return outcomeOf(told);
      if (told.kind === 'unusable') return await insteadOf(told.why, at, signal);
      const isDoubted = told.kind === 'batch' && suspicion.arises(isDoubtful(told), clock.monotonicMs());
      return isDoubted ? await compare(told, at, signal) : outcomeOf(told);
    } catch (error) {
      return failed(explainFailure(error));
    }
  }

  async function compare(told: ToldBatch, at: Addresses, signal: AbortSignal): Promise<Outcome> {
    // For comparison only: what fails here fails nothing else.
    const other = await endpoint.resource(at, signal);
    const lacking =
      other.kind === 'batch' ? lackingOf(toPoints(told.batch), toPoints(other.batch), other.nodeTimeMs) : undefined;
    if (other.kind === 'batch' && lacking !== undefined) return fallBack(lacking, other);
    suspicion.settled(other.kind === 'batch' ? 'compared' : 'not compared', clock.monotonicMs());
    return outcomeOf(told);
  }

  async function insteadOf({ what }: Explanation, at: Addresses, signal: AbortSignal): Promise<Outcome> {
    const told = await endpoint.resource(at, signal);
    return told.kind === 'batch' ? fallBack(what, told) : failedAfter(what, told);
  }

  async function fromResource(
    at: Addresses,
    signal: AbortSignal,
    { reason, untilMs }: NonNullable<typeof fallback>,
  ): Promise<Outcome> {
    const told = await endpoint.resource(at, signal);
    // One failure is no reason to go back: what cAdvisor does not see would be away for minutes.
    if (told.kind === 'failed' || told.kind === 'unanswered') return outcomeOf(told);
    if (told.kind === 'unusable') return backTo(await endpoint.cadvisor(at, signal), told.why);
    if (clock.monotonicMs() < untilMs) return outcomeOf(told, reason);
    const again = await endpoint.cadvisor(at, signal);
    if (again.kind === 'unanswered') return fallBack(reason, told);
    if (again.kind !== 'batch') return fallBack(again.why.what, told);
    const lacking = lackingOf(toPoints(again.batch), toPoints(told.batch), told.nodeTimeMs);
    if (lacking !== undefined) return fallBack(lacking, told);
    fallback = undefined;
    return outcomeOf(again);
  }

  /** Where the endpoint that is left has nothing to tell any more, anything is better. */
  function backTo(told: Told, { what }: Explanation): Outcome {
    if (told.kind !== 'batch') return failedAfter(what, told);
    fallback = undefined;
    return outcomeOf(told);
  }

  function fallBack(reason: string, told: ToldBatch): Outcome {
    fallback = { reason, untilMs: clock.monotonicMs() + fallbackMs + Math.random() * fallbackSpreadMs };
    return outcomeOf(told, reason);
  }

  function isDoubtful({ batch, doubts }: ToldBatch): boolean {
    return (
      !hasMachine(batch.numbers) ||
      doubts?.unlabelled === true ||
      doubts?.pods.some(({ namespace, name }) => expectations.isRunning(namespace, name, batch.node)) === true ||
      expectations.anyUnreported(batch.node)
    );
  }
}

function outcomeOf(told: Told, fallback?: string): Outcome {
  if (told.kind !== 'batch') return failed(told.why);
  const isFull = told.batch.source === 'cadvisor' && !told.filtered;
  return { kind: 'scraped', batch: told.batch, fallback, isFull, cost: told };
}

function failed(why: Explanation): Outcome {
  return { kind: 'failed', why };
}

/** @param what is the matter with the endpoint that was asked first. */
function failedAfter(what: string, { kind, why }: Exclude<Told, ToldBatch>): Outcome {
  return failed(kind === 'unanswered' ? why : { ...why, what: `${what}; and then ${why.what}` });
}
