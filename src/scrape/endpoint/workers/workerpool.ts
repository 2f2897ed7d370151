/** Reads kubelets in a worker thread; replaces it after a backoff when it ends. */
import type { Worker } from 'node:worker_threads';
import type { Layout } from '../../../sample/batch.ts';
import type { Clock } from '../../../clock.ts';
import type { KubeletClientOptions } from '../../../kubelet/client.ts';
import { describeError, type Logger } from '../../../logging.ts';
import type { Source } from '../../../sample/point.ts';
import { noColumns } from '../../../sample/seriescolumns.ts';
import type { KubeletReader } from '../kubeletreader.ts';
import type { KubeletReaderPool } from '../readerpool.ts';
import type { ReadResult } from '../readresult.ts';
import type { WorkerSettings } from './messages.ts';
import { createWorkerThread, type NodeRequest, startWorker, threadEnded, type WorkerThread } from './workerthread.ts';

export interface WorkerPoolOptions extends KubeletClientOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** See LocalPoolOptions. */
  readonly fastPath?: boolean;
  /** For tests. */
  readonly start?: (settings: WorkerSettings) => Worker;
}

/** Doubles with each replacement. */
const firstBackoffMs = 1_000;
const longestBackoffMs = 60_000;
/** A longer-lived thread ends for another cause, so the backoff starts again. */
const soundAfterMs = 5 * 60_000;

export function createWorkerPool(options: WorkerPoolOptions): KubeletReaderPool {
  const { clock, log, start = startWorker, fastPath = true } = options;
  let thread: WorkerThread | undefined;
  let backoffMs = 0;
  let backoff: { readonly why: Error; readonly untilMs: number } | undefined;
  let disposed = false;
  return { of, release, [Symbol.asyncDispose]: dispose };

  function of(node: string): KubeletReader {
    const layouts = new Map<Source, Layout>();
    return {
      cadvisor: (at, signal, wanted = noColumns) =>
        read({ node, source: 'cadvisor', at, path: undefined, wanted }, layouts, signal),
      resource: (at, signal, path) => read({ node, source: 'resource', at, path, wanted: noColumns }, layouts, signal),
    };
  }

  async function read(request: NodeRequest, layouts: Map<Source, Layout>, signal: AbortSignal): Promise<ReadResult> {
    if (disposed) return threadEnded(request, new Error('the server stops'));
    if (backoff !== undefined && clock.monotonicMs() < backoff.untilMs) return threadEnded(request, backoff.why);
    thread ??= startThread();
    return thread.read(request, layouts, signal);
  }

  function startThread(): WorkerThread {
    const started = createWorkerThread({ ...options, start, fastPath });
    const startedMs = clock.monotonicMs();
    void started.ended.then((why) => {
      thread = undefined;
      const nowMs = clock.monotonicMs();
      const longerMs = nowMs - startedMs < soundAfterMs ? 2 * backoffMs : 0;
      backoffMs = Math.min(Math.max(firstBackoffMs, longerMs), longestBackoffMs);
      backoff = { why, untilMs: nowMs + backoffMs };
      if (disposed) return;
      const reason = describeError(why);
      log.error({ code: 'WorkerEnded', reason, backoffMs }, 'a scrape worker has ended and is replaced');
    });
    return started;
  }

  function release(node: string): void {
    thread?.release(node);
  }

  async function dispose(): Promise<void> {
    disposed = true;
    await thread?.terminate();
  }
}
