/** One worker thread, as the main thread sees it. */
import { Worker } from 'node:worker_threads';
import type { Layout } from '../../../sample/batch.ts';
import type { Clock } from '../../../clock.ts';
import { systemResolver } from '../../../dns/systemresolver.ts';
import { keepSecret } from '../../../foreigntext.ts';
import type { KubeletClientOptions } from '../../../kubelet/client.ts';
import type { KubeletTls } from '../../../kubelet/http/kubelettls.ts';
import { authority } from '../../../kubelet/request.ts';
import { kubeletOf } from '../../../kubelet/explain/kubeleterror.ts';
import { describeError } from '../../../logging.ts';
import type { Source } from '../../../sample/point.ts';
import type { ReadResult } from '../readresult.ts';
import { cloneError, cloneResult, toError } from './clonedresult.ts';
import { createLayoutIntern } from './layoutintern.ts';
import { createMessageBatcher } from './messagebatcher.ts';
import type { ClonedReadResult, FromWorker, ReadRequest, ToWorker, WorkerSettings } from './messages.ts';
import { createLookupServer } from './namelookups.ts';
import { answerPinRequest } from './pinchecks.ts';
import { watchPending } from './watchdog.ts';

export interface WorkerThreadOptions extends KubeletClientOptions {
  readonly clock: Clock;
  /** See LocalPoolOptions. */
  readonly fastPath: boolean;
  readonly start: (settings: WorkerSettings) => Worker;
}

export interface WorkerThread {
  /** @param layouts the node's; updated. */
  read(request: NodeRequest, layouts: Map<Source, Layout>, signal: AbortSignal): Promise<ReadResult>;
  release(node: string): void;
  readonly ended: Promise<Error>;
  terminate(): Promise<void>;
}

export type NodeRequest = Omit<ReadRequest, 'kind' | 'id'>;

/** 5,000 nodes of 30 pods need less than a third (tens of kilobytes per node). More is a leak, which must not fill the process. */
const heapLimitMiB = 1024;
const youngHeapLimitMiB = 16;

/** Timeouts without a response after which a thread is stuck; a sound one may try several addresses. */
const stuckAfterTimeouts = 3;

export function startWorker(settings: WorkerSettings): Worker {
  // entry.js in a build.
  const entry = new URL(import.meta.url.endsWith('.ts') ? './entry.ts' : './entry.js', import.meta.url);
  return new Worker(entry, {
    name: 'scrape',
    workerData: settings,
    resourceLimits: { maxOldGenerationSizeMb: heapLimitMiB, maxYoungGenerationSizeMb: youngHeapLimitMiB },
  });
}

export function createWorkerThread(options: WorkerThreadOptions): WorkerThread {
  const { plainHttp, requestTimeoutMs, httpClient, compression, fastPath, checkPin, clock } = options;
  const pinned = checkPin !== undefined;
  const worker = options.start({ plainHttp, requestTimeoutMs, httpClient, compression, fastPath, pinned });
  const { send } = createMessageBatcher<ToWorker>(worker);
  const lookups = createLookupServer(options.resolve ?? systemResolver().resolve, send);
  const sendCredentials = createCredentialsSender(options, send);
  const copyLayout = createLayoutIntern();
  const pending = new Map<number, PendingRead>();
  const stopped = new AbortController();
  const ended = Promise.withResolvers<Error>();
  let lastId = 0;
  let cause: Error | undefined;
  worker.on('message', (messages: readonly FromWorker[]) => messages.forEach(receive));
  worker.on('error', (error) => (cause ??= error instanceof Error ? error : new Error(String(error))));
  worker.once('messageerror', (error) => void stop(error));
  worker.once('exit', onExit);
  const onStuck = () => void stop(new Error('it did not answer any more'));
  void watchPending(pending, stuckAfterTimeouts * requestTimeoutMs, clock, stopped.signal, onStuck);
  return { read, release: (node) => send({ kind: 'release', node }), ended: ended.promise, terminate };

  function read(request: NodeRequest, layouts: Map<Source, Layout>, signal: AbortSignal): Promise<ReadResult> {
    const id = ++lastId;
    const result = Promise.withResolvers<ReadResult>();
    const abort = () => send({ kind: 'abort', id, reason: cloneError(signal.reason) });
    const done = () => signal.removeEventListener('abort', abort);
    pending.set(id, { request, layouts, result, done, sinceMs: clock.monotonicMs() });
    send({ kind: 'read', id, ...request });
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    return result.promise;
  }

  function receive(message: FromWorker): void {
    if (message.kind === 'credentials-wanted') return void sendCredentials();
    if (message.kind === 'check-pin') return void answerPinRequest(message, checkPin, send);
    if (message.kind === 'resolve' || message.kind === 'resolve-abort') return lookups.receive(message);
    const each = pending.get(message.id);
    if (each === undefined) return;
    pending.delete(message.id);
    each.done();
    if (message.kind === 'thrown') return each.result.reject(toError(message.error));
    if (message.layout !== undefined && message.result.kind === 'batch') {
      each.layouts.set(message.result.batch.source, copyLayout(message.layout));
    }
    const result = withLayout(message.result, each.layouts);
    if (result === undefined) return each.result.reject(new Error('a worker sent numbers of an unknown layout'));
    return each.result.resolve(result);
  }

  async function stop(why: Error): Promise<void> {
    cause ??= why;
    await terminate();
  }

  async function terminate(): Promise<void> {
    await worker.terminate();
  }

  function onExit(code: number): void {
    stopped.abort();
    lookups.end();
    const why = cause ?? new Error(`it ended with code ${code}`);
    for (const { request, result, done } of pending.values()) {
      done();
      result.resolve(threadEnded(request, why));
    }
    pending.clear();
    ended.resolve(why);
  }
}

interface PendingRead {
  readonly request: NodeRequest;
  readonly layouts: Map<Source, Layout>;
  readonly result: PromiseWithResolvers<ReadResult>;
  readonly done: () => void;
  /** Monotonic. */
  readonly sinceMs: number;
}

function createCredentialsSender(
  options: KubeletClientOptions,
  send: (message: ToWorker) => void,
): () => Promise<void> {
  let sent: KubeletTls | undefined;
  return async () => {
    // In this order: an exec plugin run for the token may bring a client certificate.
    const authorization = await cloneResult(options.authorization);
    if ('value' in authorization) keepSecret(authorization.value);
    const tls = await cloneResult(options.tls);
    const isSent = 'value' in tls && tls.value === sent;
    sent = 'value' in tls ? tls.value : undefined;
    send({ kind: 'credentials', authorization, tls: isSent ? undefined : tls });
  };
}

/** Returns undefined if this thread lacks that version. */
function withLayout(result: ClonedReadResult, layouts: ReadonlyMap<Source, Layout>): ReadResult | undefined {
  if (result.kind !== 'batch') return result;
  const { layoutVersion, ...batch } = result.batch;
  const layout = layouts.get(batch.source);
  return layout?.version === layoutVersion ? { ...result, batch: { ...batch, layout } } : undefined;
}

/** Returns the result of a request whose thread has ended. */
export function threadEnded({ node, at: [first] }: NodeRequest, why: Error): ReadResult {
  const kubelet = kubeletOf({ via: 'kubelet', node, address: authority(first) });
  const what = `the worker thread that scrapes ${kubelet} has ended: ${describeError(why)}`;
  const remedy = 'if it happens again, --scrape-workers=0 scrapes without worker threads';
  return { kind: 'unanswered', why: { code: 'Other', what, remedy } };
}
