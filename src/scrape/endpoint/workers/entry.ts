/** A worker thread's code: reads kubelets, decodes, and hands the batches over. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../../clock.ts';
import { createKubeletClient, type KubeletClientOptions } from '../../../kubelet/client.ts';
import type { KubeletTls } from '../../../kubelet/http/kubelettls.ts';
import type { Source } from '../../../sample/point.ts';
import type { KubeletReader } from '../kubeletreader.ts';
import { createLocalPool } from '../localpool.ts';
import type { ReadResult } from '../readresult.ts';
import { cloneError, type ClonedResult, toError, unwrap } from './clonedresult.ts';
import { createMessageBatcher } from './messagebatcher.ts';
import type { FromWorker, ReadRequest, ToWorker, WorkerCredentials, WorkerSettings } from './messages.ts';
import { createLookupClient } from './namelookups.ts';
import { createPinClient } from './pinchecks.ts';

if (parentPort === null) throw new Error('this is for a worker thread, not to be run by itself');
serve(parentPort, workerData as WorkerSettings);

interface ServedNode {
  readonly reader: KubeletReader;
  readonly layouts: Map<Source, number>;
}

function serve(port: MessagePort, { fastPath, pinned, ...settings }: WorkerSettings): void {
  const { send } = createMessageBatcher<FromWorker>(port);
  const credentials = createCredentials(() => send({ kind: 'credentials-wanted' }));
  const lookups = createLookupClient(send);
  const pins = createPinClient(send);
  const kubelet = createKubeletClient({
    ...settings,
    ...credentials.source,
    resolve: lookups.resolve,
    checkPin: pinned ? pins.checkPin : undefined,
  });
  // A cluster that needs workers has many nodes.
  const readers = createLocalPool(kubelet, systemClock, { compressFrom: 0, fastPath });
  const nodes = new Map<string, ServedNode>();
  const inFlight = new Map<number, AbortController>();
  port.on('message', (messages: readonly ToWorker[]) => messages.forEach(receive));

  function receive(message: ToWorker): void {
    switch (message.kind) {
      case 'read':
        void read(message);
        return;
      case 'abort':
        inFlight.get(message.id)?.abort(toError(message.reason));
        return;
      case 'release':
        nodes.delete(message.node);
        readers.release(message.node);
        return;
      case 'resolved':
        lookups.receive(message);
        return;
      case 'pin-checked':
        pins.receive(message);
        return;
      case 'credentials':
        credentials.receive(message);
    }
  }

  async function read({ id, node: name, source, at, path, wanted }: ReadRequest): Promise<void> {
    const abort = new AbortController();
    inFlight.set(id, abort);
    const node = nodes.get(name) ?? { reader: readers.of(name), layouts: new Map() };
    nodes.set(name, node);
    try {
      const { cadvisor, resource } = node.reader;
      const result =
        source === 'cadvisor' ? await cadvisor(at, abort.signal, wanted) : await resource(at, abort.signal, path);
      sendResult(id, result, node.layouts);
    } catch (error) {
      send({ kind: 'thrown', id, error: cloneError(error) });
    } finally {
      inFlight.delete(id);
    }
  }

  function sendResult(id: number, result: ReadResult, layouts: ServedNode['layouts']): void {
    if (result.kind !== 'batch') return send({ kind: 'result', id, result, layout: undefined });
    const { layout, ...batch } = result.batch;
    const isSent = layouts.get(batch.source) === layout.version;
    layouts.set(batch.source, layout.version);
    const message = {
      kind: 'result',
      id,
      result: { ...result, batch: { ...batch, layoutVersion: layout.version } },
      layout: isSent ? undefined : layout,
    } as const;
    return send(message, batch.numbers.buffer);
  }
}

interface CredentialsCache {
  readonly source: Pick<KubeletClientOptions, 'tls' | 'authorization'>;
  receive(credentials: WorkerCredentials): void;
}

/** Shares one request for credentials, which keeps a wave of scrapes cheap. */
function createCredentials(request: () => void): CredentialsCache {
  let wanted: PromiseWithResolvers<ClonedResult<string | undefined>> | undefined;
  let tls: ClonedResult<KubeletTls> | undefined;
  return { source: { tls: current, authorization }, receive };

  async function authorization(): Promise<string | undefined> {
    if (wanted === undefined) {
      wanted = Promise.withResolvers();
      request();
    }
    return unwrap(await wanted.promise);
  }

  function current(): KubeletTls {
    if (tls === undefined) throw new Error('kubelets are scraped before there are credentials');
    return unwrap(tls);
  }

  function receive(credentials: WorkerCredentials): void {
    tls = credentials.tls ?? tls;
    wanted?.resolve(credentials.authorization);
    wanted = undefined;
  }
}
