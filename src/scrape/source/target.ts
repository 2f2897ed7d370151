/** One node as a scrape target: selects the endpoint, and falls back to the other. */
import { hasMachine, type NodeBatch, toPoints } from '../../sample/batch.ts';
import type { Clock } from '../../clock.ts';
import type { AddressCandidates } from '../../cluster/address.ts';
import type { SeriesResult } from '../../decode/series/seriesdecoder.ts';
import { explainFailure, explainNoAddress } from '../../kubelet/explain/explainfailure.ts';
import type { Explanation } from '../../kubelet/explain/explanation.ts';
import type { Source } from '../../sample/point.ts';
import { noColumns, type WantedColumns } from '../../sample/seriescolumns.ts';
import type { KubeletAddressList } from '../endpoint/addressfallback.ts';
import type { KubeletReader } from '../endpoint/kubeletreader.ts';
import type { BatchResult, ReadResult, ResponseFacts } from '../endpoint/readresult.ts';
import { createComparisonPolicy } from './comparisonpolicy.ts';
import { missingInCadvisor } from './coverage.ts';

export interface TargetAddress {
  readonly candidates: AddressCandidates;
  /** From the node's annotation, which makes /metrics/resource its only source. */
  readonly resourcePath: string | undefined;
}

/** Auto: cAdvisor, and /metrics/resource on nodes where cAdvisor lacks containers. */
export type SourceMode = 'auto' | Source;

/** The API's knowledge of pods that a kubelet should report. */
export interface Expectations {
  /** Reports whether the pod is running, and may be on the node. */
  isRunning(namespace: string, name: string, node: string): boolean;
  /** Reports whether the kubelet lacks a pod that has been running for a while. */
  anyUnreported(node: string): boolean;
}

export interface TargetOptions {
  readonly reader: KubeletReader;
  readonly mode: SourceMode;
  readonly expectations: Expectations;
  readonly clock: Clock;
  /** Returns the series to scrape beside the quantities. Default: none. */
  readonly wanted?: (() => WantedColumns) | undefined;
}

export type ScrapeOutcome =
  | {
      readonly kind: 'scraped';
      readonly batch: NodeBatch;
      readonly fallback: string | undefined;
      /** Whether the kubelet sent families that were not requested, most of its response. */
      readonly isFull: boolean;
      /** The wanted series; absent if none were wanted, or on /metrics/resource. */
      readonly series?: SeriesResult;
      readonly response: ResponseFacts;
    }
  | { readonly kind: 'failed'; readonly why: Explanation };

export interface Target {
  /** Never rejects. */
  scrape(address: TargetAddress, signal: AbortSignal): Promise<ScrapeOutcome>;
}

/** On /metrics/resource before cAdvisor is tried again. */
const fallbackMs = 10 * 60_000;
/** So that nodes do not try again at the same time. */
const fallbackJitterMs = 2 * 60_000;

interface Fallback {
  readonly reason: string;
  readonly untilMs: number;
}

export function createTarget(options: TargetOptions): Target {
  const { reader, mode, expectations, clock, wanted = () => noColumns } = options;
  const comparison = createComparisonPolicy();
  let fallback: Fallback | undefined;

  return { scrape };

  async function scrape({ candidates, resourcePath }: TargetAddress, signal: AbortSignal): Promise<ScrapeOutcome> {
    if (candidates.kind === 'none') return failed(explainNoAddress(candidates));
    const at = candidates.candidates;
    try {
      if (resourcePath !== undefined || mode === 'resource') {
        return outcomeOf(await reader.resource(at, signal, resourcePath));
      }
      if (fallback !== undefined) return await scrapeResource(at, signal, fallback);
      const result = await reader.cadvisor(at, signal, wanted());
      if (mode === 'cadvisor') return outcomeOf(result);
      if (result.kind === 'unusable') return await tryResource(result.why, at, signal);
      if (result.kind !== 'batch') return outcomeOf(result);
      const isDue = comparison.isDue(isDoubtful(result, expectations), clock.monotonicMs());
      return isDue ? await compare(result, at, signal) : outcomeOf(result);
    } catch (error) {
      return failed(explainFailure(error));
    }
  }

  /** Falls back if /metrics/resource reports more; ignores its failure. */
  async function compare(cadvisor: BatchResult, at: KubeletAddressList, signal: AbortSignal): Promise<ScrapeOutcome> {
    const resource = await reader.resource(at, signal);
    const missing = resource.kind === 'batch' ? missingOf(cadvisor, resource) : undefined;
    if (resource.kind === 'batch' && missing !== undefined) return fallBack(missing, resource);
    comparison.settled(resource.kind === 'batch' ? 'compared' : 'not compared', clock.monotonicMs());
    return outcomeOf(cadvisor);
  }

  async function tryResource(
    { what }: Explanation,
    at: KubeletAddressList,
    signal: AbortSignal,
  ): Promise<ScrapeOutcome> {
    const result = await reader.resource(at, signal);
    return result.kind === 'batch' ? fallBack(what, result) : failedAfter(what, result);
  }

  /** Returns to cAdvisor after a while if that lacks nothing. */
  async function scrapeResource(
    at: KubeletAddressList,
    signal: AbortSignal,
    { reason, untilMs }: Fallback,
  ): Promise<ScrapeOutcome> {
    const resource = await reader.resource(at, signal);
    // A single failure is no reason: containers that cAdvisor lacks would be missing for minutes.
    if (resource.kind === 'failed' || resource.kind === 'unanswered') return outcomeOf(resource);
    if (resource.kind === 'unusable') return returnTo(await reader.cadvisor(at, signal, wanted()), resource.why);
    if (clock.monotonicMs() < untilMs) return outcomeOf(resource, reason);
    const cadvisor = await reader.cadvisor(at, signal, wanted());
    if (cadvisor.kind === 'unanswered') return fallBack(reason, resource);
    if (cadvisor.kind !== 'batch') return fallBack(cadvisor.why.what, resource);
    const missing = missingOf(cadvisor, resource);
    return missing === undefined ? returnTo(cadvisor) : fallBack(missing, resource);
  }

  function returnTo(cadvisor: ReadResult, why?: Explanation): ScrapeOutcome {
    if (cadvisor.kind !== 'batch') return why === undefined ? outcomeOf(cadvisor) : failedAfter(why.what, cadvisor);
    fallback = undefined;
    return outcomeOf(cadvisor);
  }

  function fallBack(reason: string, result: BatchResult): ScrapeOutcome {
    fallback = { reason, untilMs: clock.monotonicMs() + fallbackMs + Math.random() * fallbackJitterMs };
    return outcomeOf(result, reason);
  }
}

function isDoubtful({ batch, doubts }: BatchResult, expectations: Expectations): boolean {
  return (
    !hasMachine(batch.numbers) ||
    doubts?.unlabelled === true ||
    doubts?.pods.some(({ namespace, name }) => expectations.isRunning(namespace, name, batch.node)) === true ||
    expectations.anyUnreported(batch.node)
  );
}

function missingOf(cadvisor: BatchResult, resource: BatchResult): string | undefined {
  return missingInCadvisor(toPoints(cadvisor.batch), toPoints(resource.batch), resource.nodeTimeMs);
}

function outcomeOf(result: ReadResult, fallback?: string): ScrapeOutcome {
  if (result.kind !== 'batch') return failed(result.why);
  const { batch, filtered, series } = result;
  const outcome = {
    kind: 'scraped',
    batch,
    fallback,
    isFull: batch.source === 'cadvisor' && !filtered,
    response: result,
  } as const;
  return series === undefined ? outcome : { ...outcome, series };
}

function failed(why: Explanation): ScrapeOutcome {
  return { kind: 'failed', why };
}

function failedAfter(what: string, { kind, why }: Exclude<ReadResult, BatchResult>): ScrapeOutcome {
  return failed(kind === 'unanswered' ? why : { ...why, what: `${what}; and then ${why.what}` });
}
