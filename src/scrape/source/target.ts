/** One node as a scrape target: which endpoint it is read from, and what came of it. */
import { hasMachine, type NodeBatch, toPoints } from '../../sample/batch.ts';
import type { Clock } from '../../clock.ts';
import type { AddressCandidates } from '../../cluster/address.ts';
import { explainFailure, explainNoAddress } from '../../kubelet/explain/explainfailure.ts';
import type { Explanation } from '../../kubelet/explain/explanation.ts';
import type { Source } from '../../sample/point.ts';
import { lackingOf } from './coverage.ts';
import type { ResponseFacts, KubeletReader, ReadResult, BatchResult } from '../endpoint/kubeletreader.ts';
import type { KubeletAddressList } from '../endpoint/addressfallback.ts';
import { createComparisonPolicy } from './comparisonpolicy.ts';

/** What there is to know about a node for scraping it, as of now. */
export interface TargetAddress {
  /** Where its kubelet may answer, best first. */
  readonly candidates: AddressCandidates;
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
  readonly reader: KubeletReader;
  readonly mode: SourceMode;
  readonly expectations: Expectations;
  readonly clock: Clock;
}

export type ScrapeOutcome =
  | {
      readonly kind: 'scraped';
      readonly batch: NodeBatch;
      /** Why it is not cAdvisor that was read. */
      readonly fallback: string | undefined;
      /** Whether the kubelet sent families that it was not asked for, which are most of the answer then. */
      readonly isFull: boolean;
      readonly response: ResponseFacts;
    }
  | { readonly kind: 'failed'; readonly why: Explanation };

export interface Target {
  /** Scrapes the node once; a kubelet that is down is an outcome, not an exception. */
  scrape(address: TargetAddress, signal: AbortSignal): Promise<ScrapeOutcome>;
}

/** How long a node stays on /metrics/resource before /metrics/cadvisor is tried again; the spread keeps nodes from trying all at once. */
const fallbackMs = 10 * 60_000;
const fallbackSpreadMs = 2 * 60_000;

export function createTarget({ reader, mode, expectations, clock }: TargetOptions): Target {
  const suspicion = createComparisonPolicy();
  /** Why /metrics/cadvisor is not used, and until when. */
  let fallback: { readonly reason: string; readonly untilMs: number } | undefined;

  return { scrape };

  async function scrape({ candidates, resourcePath }: TargetAddress, signal: AbortSignal): Promise<ScrapeOutcome> {
    if (candidates.kind === 'none') return failed(explainNoAddress(candidates));
    const at = candidates.candidates;
    try {
      if (resourcePath !== undefined || mode === 'resource') {
        return outcomeOf(await reader.resource(at, signal, resourcePath));
      }
      if (fallback !== undefined) return await fromResource(at, signal, fallback);
      const told = await reader.cadvisor(at, signal);
      if (mode === 'cadvisor') return outcomeOf(told);
      if (told.kind === 'unusable') return await insteadOf(told.why, at, signal);
      const isDoubted = told.kind === 'batch' && suspicion.arises(isDoubtful(told), clock.monotonicMs());
      return isDoubted ? await compare(told, at, signal) : outcomeOf(told);
    } catch (error) {
      return failed(explainFailure(error));
    }
  }

  async function compare(told: BatchResult, at: KubeletAddressList, signal: AbortSignal): Promise<ScrapeOutcome> {
    // For comparison only: what fails here fails nothing else.
    const other = await reader.resource(at, signal);
    const lacking =
      other.kind === 'batch' ? lackingOf(toPoints(told.batch), toPoints(other.batch), other.nodeTimeMs) : undefined;
    if (other.kind === 'batch' && lacking !== undefined) return fallBack(lacking, other);
    suspicion.settled(other.kind === 'batch' ? 'compared' : 'not compared', clock.monotonicMs());
    return outcomeOf(told);
  }

  async function insteadOf({ what }: Explanation, at: KubeletAddressList, signal: AbortSignal): Promise<ScrapeOutcome> {
    const told = await reader.resource(at, signal);
    return told.kind === 'batch' ? fallBack(what, told) : failedAfter(what, told);
  }

  async function fromResource(
    at: KubeletAddressList,
    signal: AbortSignal,
    { reason, untilMs }: NonNullable<typeof fallback>,
  ): Promise<ScrapeOutcome> {
    const told = await reader.resource(at, signal);
    // One failure is no reason to go back: what cAdvisor does not see would be away for minutes.
    if (told.kind === 'failed' || told.kind === 'unanswered') return outcomeOf(told);
    if (told.kind === 'unusable') return backTo(await reader.cadvisor(at, signal), told.why);
    if (clock.monotonicMs() < untilMs) return outcomeOf(told, reason);
    const again = await reader.cadvisor(at, signal);
    if (again.kind === 'unanswered') return fallBack(reason, told);
    if (again.kind !== 'batch') return fallBack(again.why.what, told);
    const lacking = lackingOf(toPoints(again.batch), toPoints(told.batch), told.nodeTimeMs);
    if (lacking !== undefined) return fallBack(lacking, told);
    fallback = undefined;
    return outcomeOf(again);
  }

  /** Where the endpoint that is left has nothing to tell any more, anything is better. */
  function backTo(told: ReadResult, { what }: Explanation): ScrapeOutcome {
    if (told.kind !== 'batch') return failedAfter(what, told);
    fallback = undefined;
    return outcomeOf(told);
  }

  function fallBack(reason: string, told: BatchResult): ScrapeOutcome {
    fallback = { reason, untilMs: clock.monotonicMs() + fallbackMs + Math.random() * fallbackSpreadMs };
    return outcomeOf(told, reason);
  }

  function isDoubtful({ batch, doubts }: BatchResult): boolean {
    return (
      !hasMachine(batch.numbers) ||
      doubts?.unlabelled === true ||
      doubts?.pods.some(({ namespace, name }) => expectations.isRunning(namespace, name, batch.node)) === true ||
      expectations.anyUnreported(batch.node)
    );
  }
}

function outcomeOf(told: ReadResult, fallback?: string): ScrapeOutcome {
  if (told.kind !== 'batch') return failed(told.why);
  const isFull = told.batch.source === 'cadvisor' && !told.filtered;
  return { kind: 'scraped', batch: told.batch, fallback, isFull, response: told };
}

function failed(why: Explanation): ScrapeOutcome {
  return { kind: 'failed', why };
}

/** @param what is the matter with the endpoint that was asked first. */
function failedAfter(what: string, { kind, why }: Exclude<ReadResult, BatchResult>): ScrapeOutcome {
  return failed(kind === 'unanswered' ? why : { ...why, what: `${what}; and then ${why.what}` });
}
