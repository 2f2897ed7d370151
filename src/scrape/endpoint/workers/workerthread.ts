/** One worker thread as the main thread sees it, from its start to its end. */
import { Worker } from 'node:worker_threads';
import type { Layout } from '../../../sample/batch.ts';
import type { Clock } from '../../../clock.ts';
import { systemResolver } from '../../../dns/systemresolver.ts';
import { keepSecret } from '../../../foreigntext.ts';
import { type KubeletClientOptions } from '../../../kubelet/client.ts';
import { authority } from '../../../kubelet/request.ts';
import type { KubeletTls } from '../../../kubelet/http/kubelettls.ts';
import { kubeletOf } from '../../../kubelet/explain/kubeleterror.ts';
import { describeError } from '../../../logging.ts';
import type { Source } from '../../../sample/point.ts';
import type { ReadResult } from '../kubeletreader.ts';
import { cloneResult, cloneError, toError } from './clonedresult.ts';
import { createMessageBatcher } from './messagebatcher.ts';
import type { FromWorker, ReadRequest, ClonedReadResult, ToWorker, WorkerSettings } from './messages.ts';
import { createLookupServer } from './namelookups.ts';
import { internLayout } from './layoutintern.ts';

export interface WorkerThreadOptions extends KubeletClientOptions, Pick<WorkerSettings, 'fastPath'> {
  readonly clock: Clock;
  readonly start: (settings: WorkerSettings) => Worker;
}

export interface WorkerThread {
  /** @param layouts of the node, which are kept up to date. */
  ask(question: NodeRequest, layouts: Map<Source, Layout>, signal: AbortSignal): Promise<ReadResult>;
  release(node: string): void;
  /** Why it ended, once it has. */
  readonly ended: Promise<Error>;
  terminate(): Promise<void>;
}

export type NodeRequest = Omit<ReadRequest, 'kind' | 'id'>;

/**
 * What a worker keeps of a node is some tens of kilobytes, so 5,000 nodes with 30 pods are below a third of this; more is a leak, which must not take the memory
 * of the whole process.
 */
const heapLimitMiB = 1024;
/** What comes and goes with a scrape is little; a larger one would only take memory. */
const youngHeapLimitMiB = 16;

/** How many request timeouts may pass without an answer: several addresses may be tried, and no sound thread takes longer. */
const stuckAfterTimeouts = 3;
const lookEveryMs = 5_000;

export function startWorker(settings: WorkerSettings): Worker {
  // Beside the sources, Node runs those; elsewhere what was built of them.
  const entry = new URL(import.meta.url.endsWith('.ts') ? './entry.ts' : './entry.js', import.meta.url);
  return new Worker(entry, {
    name: 'scrape',
    workerData: settings,
    resourceLimits: { maxOldGenerationSizeMb: heapLimitMiB, maxYoungGenerationSizeMb: youngHeapLimitMiB },
  });
}

export function createWorkerThread(options: WorkerThreadOptions): WorkerThread {
  const { plainHttp, requestTimeoutMs, httpClient, compression, fastPath = true, clock } = options;
  const worker = options.start({ plainHttp, requestTimeoutMs, httpClient, compression, fastPath });
  const { send } = createMessageBatcher<ToWorker>(worker);
  const names = createLookupServer(options.resolve ?? systemResolver().resolve, send);
  const pending = new Map<number, Pending>();
  const end = new AbortController();
  const ended = Promise.withResolvers<Error>();
  let lastId = 0;
  let cause: Error | undefined;
  let shown: KubeletTls | undefined;
  worker.on('message', (messages: readonly FromWorker[]) => messages.forEach(take));
  worker.on('error', (error) => (cause ??= error instanceof Error ? error : new Error(String(error))));
  worker.once('messageerror', (error) => void stop(error));
  worker.once('exit', onExit);
  void watch();
  return { ask, release: (node) => send({ kind: 'release', node }), ended: ended.promise, terminate };

  function ask(asked: NodeRequest, layouts: Map<Source, Layout>, signal: AbortSignal): Promise<ReadResult> {
    const id = ++lastId;
    const answer = Promise.withResolvers<ReadResult>();
    const abort = () => send({ kind: 'abort', id, reason: cloneError(signal.reason) });
    const done = () => signal.removeEventListener('abort', abort);
    pending.set(id, { asked, layouts, answer, done, sinceMs: clock.monotonicMs() });
    send({ kind: 'ask', id, ...asked });
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    return answer.promise;
  }

  function take(message: FromWorker): void {
    if (message.kind === 'credentials-wanted') return void sendCredentials();
    if (message.kind === 'resolve' || message.kind === 'resolve-abort') return names.take(message);
    const question = pending.get(message.id);
    if (question === undefined) return;
    pending.delete(message.id);
    question.done();
    const { answer, layouts } = question;
    if (message.kind === 'thrown') return answer.reject(toError(message.error));
    const told = whole(message.told, message.layout, layouts);
    if (told === undefined) return answer.reject(new Error('a worker told numbers, and never of what'));
    return answer.resolve(told);
  }

  async function sendCredentials(): Promise<void> {
    // An exec plugin that is asked for the one may bring the other.
    const authorization = await cloneResult(options.authorization);
    if ('value' in authorization) keepSecret(authorization.value);
    const tls = await cloneResult(options.tls);
    const isShown = 'value' in tls && tls.value === shown;
    shown = 'value' in tls ? tls.value : undefined;
    send({ kind: 'credentials', authorization, tls: isShown ? undefined : tls });
  }

  /** A thread that does nothing any more would keep its nodes waiting for ever. */
  async function watch(): Promise<void> {
    let lateId: number | undefined;
    while (!end.signal.aborted) {
      await clock.sleep(lookEveryMs, end.signal).catch(ignoreAbort);
      const [oldest] = pending;
      const waitedMs = oldest === undefined ? 0 : clock.monotonicMs() - oldest[1].sinceMs;
      const isLate = waitedMs > stuckAfterTimeouts * requestTimeoutMs;
      // Twice in a row: after a pause of the whole process the answer may be there and only not read yet.
      if (isLate && lateId === oldest?.[0]) return void stop(new Error('it did not answer any more'));
      lateId = isLate ? oldest?.[0] : undefined;
    }
  }

  async function stop(why: Error): Promise<void> {
    cause ??= why;
    await terminate();
  }

  async function terminate(): Promise<void> {
    await worker.terminate();
  }

  function onExit(code: number): void {
    end.abort();
    names.end();
    const why = cause ?? new Error(`it ended with code ${code}`);
    for (const { asked, answer, done } of pending.values()) {
      done();
      answer.resolve(threadEnded(asked, why));
    }
    pending.clear();
    ended.resolve(why);
  }
}

interface Pending {
  readonly asked: NodeRequest;
  readonly layouts: Map<Source, Layout>;
  readonly answer: PromiseWithResolvers<ReadResult>;
  /** Takes the listener off the signal. */
  readonly done: () => void;
  readonly sinceMs: number;
}

/** Returns the outcome with its batch's layout; undefined if this thread does not have that version. */
function whole(
  told: ClonedReadResult,
  layout: Layout | undefined,
  layouts: Map<Source, Layout>,
): ReadResult | undefined {
  if (told.kind !== 'batch') return told;
  const { layoutVersion, ...batch } = told.batch;
  if (layout !== undefined) layouts.set(batch.source, internLayout(layout));
  const known = layouts.get(batch.source);
  return known?.version === layoutVersion ? { ...told, batch: { ...batch, layout: known } } : undefined;
}

/** @param why there is no thread. */
export function threadEnded({ node, at: [first] }: NodeRequest, why: Error): ReadResult {
  const whom = kubeletOf({ via: 'kubelet', node, address: authority(first) });
  const what = `the worker thread that asks ${whom} has ended: ${describeError(why)}`;
  return {
    kind: 'unanswered',
    why: { code: 'Other', what, remedy: 'if it happens again, --scrape-workers=0 does without' },
  };
}

function ignoreAbort(): void {
  // The loop's condition looks at the signal.
}
