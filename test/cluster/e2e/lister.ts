/** Starts a client that lists metrics all the time, and judges what it got. */
import { once } from 'node:events';
import path from 'node:path';
import type { Cluster } from '../cluster.ts';
import { waitFor } from '../wait.ts';

/** One request and its answer. */
export interface Listed {
  /** Wall time of the request. */
  readonly atMs: number;
  readonly tookMs: number;
  readonly path: string;
  /** 0 without an answer. */
  readonly status: number;
  readonly problem?: string;
  /** By object. */
  readonly timestamps: Readonly<Record<string, string>>;
}

export interface Lister extends AsyncDisposable {
  /** So far, oldest first. */
  readonly answers: readonly Listed[];
  /** Resolves when so many more requests have been answered by 200. */
  more(count: number): Promise<void>;
}

export interface ListerOptions {
  readonly url: string;
  readonly paths: readonly string[];
  readonly token: string;
  readonly everyMs: number;
}

const moreTimeoutMs = 60_000;

/** Lists until disposed. Resolves after the first answer. */
export async function startLister(cluster: Cluster, options: ListerOptions): Promise<Lister> {
  const program = path.join(import.meta.dirname, 'listerprogram.ts');
  const child = cluster.inNamespace(process.execPath, [program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      URL: options.url,
      PATHS: options.paths.join(' '),
      TOKEN: options.token,
      CA: cluster.caFile,
      EVERY_MS: String(options.everyMs),
    },
  });
  const answers: Listed[] = [];
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) answers.push(JSON.parse(line) as Listed);
  });
  const closed = once(child, 'close');
  const lister: Lister = {
    answers,
    async more(count) {
      const good = () => answers.filter(({ status }) => status === 200).length;
      const before = good();
      await waitFor(`${count} more answers of 200`, () => good() >= before + count, moreTimeoutMs, 50);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await closed;
    },
  };
  await lister.more(1);
  return lister;
}

/** Returns the requests without a 200, in words. */
export function failures(answers: readonly Listed[]): string[] {
  return answers
    .filter(({ status }) => status !== 200)
    .map(
      ({ atMs, tookMs, path: asked, status, problem = '' }) =>
        `${new Date(atMs).toISOString()} ${asked}: ${status} after ${tookMs} ms: ${problem.trim()}`,
    );
}

/** Returns the 200s that lack one of the objects which an earlier answer to the same path had, in words. */
export function incomplete(answers: readonly Listed[], names: readonly string[]): string[] {
  const seen = new Set<string>();
  const found: string[] = [];
  for (const { atMs, path: asked, status, timestamps } of answers) {
    if (status !== 200) continue;
    const missing = names.filter((name) => seen.has(`${asked} ${name}`) && timestamps[name] === undefined);
    if (missing.length > 0) found.push(`${new Date(atMs).toISOString()} ${asked} lacks ${missing.join(', ')}`);
    for (const name of Object.keys(timestamps)) seen.add(`${asked} ${name}`);
  }
  return found;
}

export interface StepBack {
  /** Wall time of the later request. */
  readonly atMs: number;
  readonly name: string;
  readonly ms: number;
  /** In words. */
  readonly description: string;
}

/** Compares each object's timestamp in an answer with that in the previous answer that has it. */
export function stepsBack(answers: readonly Listed[]): { readonly compared: number; readonly steps: StepBack[] } {
  const previous = new Map<string, string>();
  const steps: StepBack[] = [];
  let compared = 0;
  for (const { atMs, path: asked, timestamps } of answers) {
    for (const [name, timestamp] of Object.entries(timestamps)) {
      const key = `${asked} ${name}`;
      const before = previous.get(key);
      previous.set(key, timestamp);
      if (before === undefined) continue;
      compared += 1;
      const ms = Date.parse(before) - Date.parse(timestamp);
      const description = `${new Date(atMs).toISOString()} ${key}: from ${before} to ${timestamp}`;
      if (ms > 0) steps.push({ atMs, name, ms, description });
    }
  }
  return { compared, steps };
}

/** Returns, in words, the answers since a replica's return that are older than one before it was killed: it serves its snapshot. */
export function staleSince(
  answers: readonly Listed[],
  { killedMs, returnedMs }: { readonly killedMs: number; readonly returnedMs: number },
  names: readonly string[],
): string[] {
  const newestMs = new Map<string, number>();
  const found: string[] = [];
  for (const { atMs, path: asked, timestamps } of answers) {
    for (const name of names) {
      const timestampMs = Date.parse(timestamps[name] ?? '');
      if (Number.isNaN(timestampMs)) continue;
      const key = `${asked} ${name}`;
      const beforeMs = newestMs.get(key) ?? -Infinity;
      if (atMs < killedMs) newestMs.set(key, Math.max(beforeMs, timestampMs));
      else if (atMs >= returnedMs && timestampMs < beforeMs)
        found.push(
          `${new Date(atMs).toISOString()} ${key}: ${timestamps[name]}, before ${new Date(beforeMs).toISOString()}`,
        );
    }
  }
  return found;
}
