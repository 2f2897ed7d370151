/** The fake API server of a cluster, in a process of its own: this file is also what that process runs. Its CPU is not that of its clients. */
import { fork } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createFakeApiServer } from '../fakes/apiserver.ts';
import { kubeconfigFor } from '../fakes/wholecluster.ts';
import { createUsageLists, nodeObject, wholePod } from './screenobjects.ts';

export interface ClusterSize {
  readonly nodes: number;
  readonly podsPerNode: number;
}

export interface ScreenCluster extends AsyncDisposable {
  /** The kubeconfig's text. */
  readonly kubeconfig: string;
  /** Returns the answers since the last call, in the order in which they ended. */
  answers(): Promise<readonly Answer[]>;
}

export interface Answer {
  /** Without the query. */
  readonly path: string;
  /** When its last byte was sent, as `monotonicMs` of any process of this machine. */
  readonly endMs: number;
}

/** Milliseconds of a clock that all processes share. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

const usageIntervalMs = 5_000;

export async function forkScreenCluster(size: ClusterSize): Promise<ScreenCluster> {
  const child = fork(import.meta.filename, [JSON.stringify(size)]);
  const ended = once(child, 'exit');
  const message = async (): Promise<unknown> => {
    const [value] = await Promise.race([once(child, 'message'), ended]);
    if (!child.connected) throw new Error('the API server has ended');
    return value;
  };
  const kubeconfig = String(await message());
  return {
    kubeconfig,
    async answers() {
      child.send('answers');
      return (await message()) as readonly Answer[];
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

/** Serves until the parent has gone. Answers are compact JSON without compression, which our client does not ask for. */
async function serve({ nodes, podsPerNode }: ClusterSize): Promise<void> {
  process.once('disconnect', () => process.exit(0));
  const { objects, documents, url, ca } = await createFakeApiServer();
  const pods = Array.from({ length: nodes * podsPerNode }, (_, index) => wholePod(index, podsPerNode));
  for (let index = 0; index < nodes; index += 1) objects.set(nodeObject(index));
  for (const pod of pods) objects.set(pod);
  // Sorted once, before they are asked for.
  for (const kind of ['Node', 'Pod'] as const) objects.list(kind);
  const usages = createUsageLists(nodes, pods);
  for (const [path, list] of usages.lists) documents.set(path, list);
  setInterval(usages.move, usageIntervalMs);
  let answers: Answer[] = [];
  subscribe('http.server.response.finish', (message) => {
    const { request } = message as { readonly request: IncomingMessage };
    answers.push({ path: new URL(request.url ?? '/', url).pathname, endMs: monotonicMs() });
  });
  process.on('message', () => {
    process.send?.(answers);
    answers = [];
  });
  process.send?.(kubeconfigFor(url, ca));
}

if (import.meta.main) await serve(JSON.parse(process.argv[2] ?? '') as ClusterSize);
