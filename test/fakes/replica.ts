/** The program as a process beside the one of a whole cluster: another replica, with the same API server and kubelets, that can be ended by signals. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { field, items } from '../../src/client/json.ts';
import { ask2, openSession } from './http2client.ts';
import { freePort, serverFlags, type WholeCluster } from './wholecluster.ts';

const main = path.resolve(import.meta.dirname, '../../src/main.ts');
const admin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
/** Between questions, which the program answers in a millisecond. */
const pauseMs = 50;
/** A busy machine takes seconds to start the program. */
const limitMs = 60_000;

export interface Replica extends AsyncDisposable {
  /** Returns the items of a list as an administrator, once it answers 200 and they are as wanted. @throws AssertionError after a minute. */
  list(path: string, isWanted: (items: readonly unknown[]) => boolean, waitMs?: number): Promise<readonly unknown[]>;
  /** Sends SIGTERM. Returns the exit code. */
  terminate(): Promise<number | null>;
  /** Its output so far, both streams. */
  output(): string;
}

/** @param flags beside those that name the cluster and the port. */
export async function startReplica(cluster: WholeCluster, flags: readonly string[]): Promise<Replica> {
  const port = await freePort();
  const argv = [...serverFlags(cluster.kubeconfig, port), ...flags];
  const child = spawn(process.execPath, [main, ...argv], { env: { PATH: process.env['PATH'] }, stdio: 'pipe' });
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += String(chunk)));
  const frontProxy = cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
  return {
    output: () => text,
    async list(target, isWanted, waitMs = limitMs) {
      const endMs = performance.now() + waitMs;
      for (;;) {
        const found = await ask(target).catch(() => undefined);
        if (found !== undefined && isWanted(found)) return found;
        assert.equal(child.exitCode, null, text);
        assert.ok(performance.now() < endMs, `GET ${target} within ${waitMs} ms: ${JSON.stringify(found)}`);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    },
    terminate() {
      child.kill('SIGTERM');
      return exit;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exit;
    },
  };

  /** Undefined without a 200. */
  async function ask(target: string): Promise<readonly unknown[] | undefined> {
    const session = await openSession(port, frontProxy);
    try {
      const answer = await ask2(session, target, admin);
      return answer.status === 200 ? items(field(JSON.parse(answer.text), 'items')) : undefined;
    } finally {
      session.destroy();
    }
  }
}

/** Returns all of an item of a list but the moment when it was asked for, as text. */
export function pointOf(item: unknown): string {
  const { metadata, ...point } = item as { metadata: { creationTimestamp: string } };
  return JSON.stringify({ ...metadata, creationTimestamp: undefined, ...point });
}
