/** What runs in a worker thread: asks kubelets what it is told to ask, decodes what they answer, and hands that over. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../../clock.ts';
import { createKubeletClient, type KubeletClientOptions } from '../../../kubelet/client.ts';
import type { KubeletTls } from '../../../kubelet/http/kubelettls.ts';
import type { Source } from '../../../sample/point.ts';
import type { KubeletReader, ReadResult } from '../kubeletreader.ts';
import { createLocalPool } from '../localpool.ts';
import { type ClonedResult, cloneError, toError, unwrap } from './clonedresult.ts';
import { createMessageBatcher } from './messagebatcher.ts';
import { createLookupClient } from './namelookups.ts';
import type { WorkerCredentials, FromWorker, ReadRequest, ToWorker, WorkerSettings } from './messages.ts';

if (parentPort === null) throw new Error('this is for a worker thread, not to be run by itself');
serve(parentPort, workerData as WorkerSettings);

interface ServedNode {
  readonly endpoint: KubeletReader;
  /** Versions of the layouts that were handed over. */
  readonly layouts: Map<Source, number>;
}

function serve(port: MessagePort, settings: WorkerSettings): void {
  const { send } = createMessageBatcher<FromWorker>(port);
  const credentials = createCredentials(() => send({ kind: 'credentials-wanted' }));
  const names = createLookupClient(send);
  const kubelet = createKubeletClient({ ...settings, ...credentials.source, resolve: names.resolve });
  // Fleets that need threads have many nodes, however few are this one's.
  const endpoints = createLocalPool(kubelet, systemClock, { compressFrom: 0, fastPath: settings.fastPath ?? true });
  const nodes = new Map<string, ServedNode>();
  const underWay = new Map<number, AbortController>();
  port.on('message', (messages: readonly ToWorker[]) => messages.forEach(take));

  function take(message: ToWorker): void {
    switch (message.kind) {
      case 'ask':
        void ask(message);
        return;
      case 'abort':
        underWay.get(message.id)?.abort(toError(message.reason));
        return;
      case 'release':
        nodes.delete(message.node);
        endpoints.release(message.node);
        return;
      case 'resolved':
        names.take(message);
        return;
      case 'credentials':
        credentials.take(message);
    }
  }

  async function ask({ id, node, source, at, path }: ReadRequest): Promise<void> {
    const abort = new AbortController();
    underWay.set(id, abort);
    const asked = nodes.get(node) ?? { endpoint: endpoints.of(node), layouts: new Map() };
    nodes.set(node, asked);
    try {
      const { cadvisor, resource } = asked.endpoint;
      const told = source === 'cadvisor' ? await cadvisor(at, abort.signal) : await resource(at, abort.signal, path);
      tell(id, told, asked.layouts);
    } catch (error) {
      send({ kind: 'thrown', id, error: cloneError(error) });
    } finally {
      underWay.delete(id);
    }
  }

  function tell(id: number, told: ReadResult, layouts: ServedNode['layouts']): void {
    if (told.kind !== 'batch') return send({ kind: 'told', id, told, layout: undefined });
    const { layout, ...batch } = told.batch;
    const isKnown = layouts.get(batch.source) === layout.version;
    layouts.set(batch.source, layout.version);
    const message = {
      kind: 'told',
      id,
      told: { ...told, batch: { ...batch, layoutVersion: layout.version } },
      layout: isKnown ? undefined : layout,
    } as const;
    return send(message, batch.numbers.buffer);
  }
}

interface CredentialsCache {
  readonly source: Pick<KubeletClientOptions, 'tls' | 'authorization'>;
  take(credentials: WorkerCredentials): void;
}

/** All questions that wait for credentials get them by one request, which keeps a wave of scrapes cheap. */
function createCredentials(want: () => void): CredentialsCache {
  let wanted: PromiseWithResolvers<ClonedResult<string | undefined>> | undefined;
  let tls: ClonedResult<KubeletTls> | undefined;
  return { source: { tls: current, authorization }, take };

  async function authorization(): Promise<string | undefined> {
    if (wanted === undefined) {
      wanted = Promise.withResolvers();
      want();
    }
    return unwrap(await wanted.promise);
  }

  function current(): KubeletTls {
    if (tls === undefined) throw new Error('kubelets are asked before there are credentials');
    return unwrap(tls);
  }

  function take(credentials: WorkerCredentials): void {
    tls = credentials.tls ?? tls;
    wanted?.resolve(credentials.authorization);
    wanted = undefined;
  }
}
