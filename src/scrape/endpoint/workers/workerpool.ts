/** Kubelets asked by a worker thread, and by another one when that has ended: whatever ends it, the process goes on. */
import type { Worker } from 'node:worker_threads';
import type { Layout } from '../../../sample/batch.ts';
import type { Clock } from '../../../clock.ts';
import type { KubeletClientOptions } from '../../../kubelet/client.ts';
import { describeError, type Logger } from '../../../logging.ts';
import type { Source } from '../../../sample/point.ts';
import type { ReadResult } from '../kubeletreader.ts';
import type { KubeletReaderPool } from '../localpool.ts';
import type { WorkerSettings } from './messages.ts';
import { type NodeRequest, createWorkerThread, startWorker, type WorkerThread, threadEnded } from './workerthread.ts';

export interface WorkerPoolOptions extends KubeletClientOptions, Pick<WorkerSettings, 'fastPath'> {
  readonly clock: Clock;
  readonly log: Logger;
  /** Only ever differs in tests. */
  readonly start?: (settings: WorkerSettings) => Worker;
}

/** How long nobody is asked after a thread has ended, twice as long each time, up to a limit. */
const firstPauseMs = 1_000;
const longestPauseMs = 60_000;
/** Whatever ends a thread that lived so long is another thing than what ended the one before. */
const soundAfterMs = 5 * 60_000;

export function createWorkerPool(options: WorkerPoolOptions): KubeletReaderPool {
  const { clock, log, start = startWorker } = options;
  let thread: WorkerThread | undefined;
  let pauseMs = 0;
  let pause: { readonly why: Error; readonly untilMs: number } | undefined;
  let disposed = false;
  return { of, release, [Symbol.asyncDispose]: dispose };

  function of(node: string): ReturnType<KubeletReaderPool['of']> {
    const layouts = new Map<Source, Layout>();
    return {
      cadvisor: (at, signal) => ask({ node, source: 'cadvisor', at, path: undefined }, layouts, signal),
      resource: (at, signal, path) => ask({ node, source: 'resource', at, path }, layouts, signal),
    };
  }

  async function ask(asked: NodeRequest, layouts: Map<Source, Layout>, signal: AbortSignal): Promise<ReadResult> {
    if (disposed) return threadEnded(asked, new Error('the server stops'));
    if (pause !== undefined && clock.monotonicMs() < pause.untilMs) return threadEnded(asked, pause.why);
    thread ??= begin();
    return thread.ask(asked, layouts, signal);
  }

  function begin(): WorkerThread {
    const begun = createWorkerThread({ ...options, start });
    const startedMs = clock.monotonicMs();
    void begun.ended.then((why) => {
      thread = undefined;
      const nowMs = clock.monotonicMs();
      const longerMs = nowMs - startedMs < soundAfterMs ? 2 * pauseMs : 0;
      pauseMs = Math.min(Math.max(firstPauseMs, longerMs), longestPauseMs);
      pause = { why, untilMs: nowMs + pauseMs };
      if (!disposed) log.error({ reason: describeError(why), pauseMs }, 'a scrape worker has ended and is replaced');
    });
    return begun;
  }

  function release(node: string): void {
    thread?.release(node);
  }

  async function dispose(): Promise<void> {
    disposed = true;
    await thread?.terminate();
  }
}
