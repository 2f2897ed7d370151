/** `kubegauge top`: shows what nodes, pods, containers and autoscalers use, in a terminal or for scripts. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiServer } from '../client/apiserver.ts';
import { foreignText } from '../foreigntext.ts';
import { type CodedText, withPage } from '../messagecodes.ts';
import { UsageError } from '../options/parse.ts';
import { parseTopArguments, type TopArguments } from '../top/arguments.ts';
import { printOnce, watchRows } from '../top/print.ts';
import { runSession } from '../top/session.ts';
import { initialState } from '../top/state.ts';
import { createClusterView } from '../view/clusterview.ts';
import { type Environment, findApiServerAsKubectl } from './apiserver.ts';
import { failureOf } from './failure.ts';

/** Returns 0, or 1 if the cluster cannot be shown. @throws UsageError. */
export async function runTop(argv: readonly string[], env: Environment): Promise<number> {
  const given = parseTopArguments(argv);
  try {
    const server = await findApiServerAsKubectl(given.kubeconfig, env, given.context);
    await using view = createClusterView({ server, waitsForAll: !isScreen(given, env) });
    await show(given, { view, server, env });
    return 0;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    complain(error);
    return 1;
  }
}

/** Runs until it ends by itself, or until a signal or a reader that has gone, as after `| head`, stops it. */
async function untilStopped(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const onStop = (): void => stop.abort(new Error('stopped'));
  for (const name of signals) process.once(name, onStop);
  process.stdout.once('error', onStop);
  try {
    await run(stop.signal);
  } finally {
    for (const name of signals) process.off(name, onStop);
    process.stdout.off('error', onStop);
  }
}

/**
 * Milliseconds between the last line of a print and those before it. Only a write shows that a reader such as `head` has gone; without
 * this one, that would be the next change.
 */
const lastLineDelayMs = 50;

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

interface Place {
  readonly view: ReturnType<typeof createClusterView>;
  readonly server: ApiServer;
  readonly env: Environment;
}

async function show(given: TopArguments, { view, server, env }: Place): Promise<void> {
  const { stdin, stdout } = process;
  const { url } = server;
  const { screen, isAllNamespaces, labelSelector, format, intervalMs } = given;
  // As kubectl, except that a context without a namespace means all, not the namespace default.
  const namespace = isAllNamespaces ? undefined : (given.namespace ?? server.contextNamespace);
  const state = initialState(screen, { namespace, labelSelector });
  const columns = stdout.isTTY ? stdout.columns : undefined;
  const isColoured = stdout.isTTY && stdout.hasColors();
  const isUnicode = process.platform !== 'linux' || isUtf8(env);
  const onNote = (note: string): void => say({ code: 'RowsNotRead', text: `not all rows: ${note}` });
  const onDegraded = (sentence: string): void => say({ code: 'ClusterDegraded', text: `degraded: ${sentence}` });
  const onDegradedEnd = (sentence: string): void =>
    say({ code: 'ClusterDegraded', text: `no longer degraded: ${sentence}` });
  const printing = { view, url, state, format, columns, isColoured, isUnicode, onNote, onDegraded };
  if (given.isWatch) {
    await untilStopped((signal) => {
      // An interval that a signal ends is no failure.
      const wait = (ms: number) => sleep(ms, undefined, { signal }).catch(() => undefined);
      const write = async (text: string): Promise<boolean> => {
        const lastLine = stdout.isTTY ? 0 : text.lastIndexOf('\n', text.length - 2) + 1;
        for (const part of [text.slice(0, lastLine), text.slice(lastLine)]) {
          if (signal.aborted) return false;
          if (part === '') continue;
          stdout.write(part);
          if (part !== text) await wait(lastLineDelayMs);
        }
        return !signal.aborted;
      };
      return watchRows({ ...printing, intervalMs, signal, write, sleep: wait, onDegradedEnd, onProblem: complain });
    });
    return;
  }
  if (!isScreen(given, env)) {
    // A signal ends the process at once: nothing is lost.
    stdout.write(await printOnce(printing));
    return;
  }
  await untilStopped((signal) =>
    runSession({
      view,
      requestsRead: view.requestsRead,
      url,
      initial: state,
      input: stdin,
      output: stdout,
      intervalMs,
      isUnicode,
      signal,
    }),
  );
}

/** Reports whether it draws itself anew. Otherwise it prints. */
function isScreen({ isOnce, isWatch, format }: TopArguments, env: Environment): boolean {
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY && env['TERM'] !== 'dumb';
  return isTerminal && format === 'table' && !isOnce && !isWatch;
}

function isUtf8(env: Environment): boolean {
  return /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '');
}

function complain(error: unknown): void {
  say(failureOf(error, 'ClusterNotShown'));
}

function say({ code, text }: CodedText): void {
  process.stderr.write(`kubegauge: ${withPage({ code, text: foreignText(text) })}\n`);
}
