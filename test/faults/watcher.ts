/** Looks at a server four times a second for as long as a fault and its consequences last. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, Question } from '../conformance/client.ts';
import type { Server } from '../conformance/servers.ts';
import { parseReadings, type Readings, type Sight } from './sight.ts';

/** Who looks; called for each look. */
export type Looker = () => Omit<Question, 'path'>;

export interface Watcher {
  /** Oldest first; grows. */
  readonly sights: readonly Sight[];
  /** Resolves when the last look is over. */
  stop(): Promise<void>;
}

const intervalMs = 250;
/** An answer that takes longer is none. */
const patienceMs = 5_000;

/** @param server as of now, since it may be started anew. */
export function watch(client: Client, server: () => Server, looker: Looker): Watcher {
  const sights: Sight[] = [];
  const stopping = new AbortController();
  const looking = lookOn();
  return {
    sights,
    stop: async () => {
      stopping.abort();
      await looking;
    },
  };

  async function lookOn(): Promise<void> {
    for (let nextMs = performance.now(); !stopping.signal.aborted; ) {
      sights.push(await look());
      nextMs = Math.max(nextMs + intervalMs, performance.now());
      await sleep(Math.max(0, nextMs - performance.now()));
    }
  }

  async function look(): Promise<Sight> {
    const atMs = Date.now();
    const { process } = server();
    const [nodes, pods, ready] = await Promise.all([list('nodes'), list('pods'), isReady()]);
    return { atMs, nodes, pods, ready, residentBytes: process.running() ? residentBytes(process.pid) : 0 };
  }

  async function list(resource: 'nodes' | 'pods'): Promise<Readings | undefined> {
    const body = await ask({ ...looker(), path: `/apis/metrics.k8s.io/v1beta1/${resource}` });
    return body === undefined ? undefined : parseReadings(body);
  }

  async function isReady(): Promise<boolean> {
    return (await ask({ path: '/readyz', as: 'anonymous' })) !== undefined;
  }

  /** The body of a 200; any other end is no answer. */
  async function ask(question: Question): Promise<string | undefined> {
    const answer = client.ask(server(), question).then(
      ({ status, body }) => (status === 200 ? body.toString() : undefined),
      () => undefined,
    );
    const late = new AbortController();
    try {
      return await Promise.race([answer, sleep(patienceMs, undefined, { signal: late.signal })]);
    } finally {
      late.abort();
    }
  }
}

function residentBytes(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    // It has just ended.
    return 0;
  }
}
