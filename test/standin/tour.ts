/** Reads once a second what a client sees, has the commands run, and hands it all to the presenter. */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { changesBetween } from './changes.ts';
import { type Command, commandsFor, excerptOf, findProgram, outputOf } from './commands.ts';
import type { CredentialFiles } from './credentials.ts';
import type { Presenter } from './presenter.ts';
import type { Reader, Reading } from './reading.ts';
import type { Address, Event, Tried } from './view.ts';

export interface TourOptions {
  readonly presenter: Presenter;
  readonly reader: Reader;
  readonly files: CredentialFiles;
  readonly serverUrl: string;
  readonly addresses: readonly Address[];
  /** Sentences about what the simulation did; taken from here. */
  readonly happened: string[];
}

const readEveryMs = 1_000;
/** Readings of a large cluster take long; no more than this share of the time is spent with them. */
const readingShare = 0.2;
/** How long one command is the one whose output is shown. */
const turnMs = 20_000;
/** Each time another command runs again. */
const rerunEveryMs = 5_000;
const excerptLines = 6;
const keptEvents = 50;
const root = path.resolve(import.meta.dirname, '../..');

export function createTour(options: TourOptions): AsyncDisposable {
  const { presenter, reader, files, serverUrl, addresses, happened } = options;
  const stop = new AbortController();
  const events: Event[] = [];
  let reading: Reading | undefined;
  let unseen: Event[] = [];
  let tried: readonly Tried[] = [];
  const usable = Promise.withResolvers<Reading>();
  let triedMs = Date.now();
  const turnNow = (): number => Math.floor((Date.now() - triedMs) / turnMs);
  const running = Promise.all([readOn(), tryOn()]);
  // Both end by the abort; another error would be a mistake of ours, and must not be lost.
  running.catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return {
    async [Symbol.asyncDispose]() {
      presenter[Symbol.dispose]();
      stop.abort();
      usable.reject(stop.signal.reason);
      await running.catch(() => undefined);
    },
  };

  async function readOn(): Promise<void> {
    for (;;) {
      const beganMs = Date.now();
      happened.splice(0).forEach((sentence) => remember(`cluster: ${sentence}`));
      // Undefined while the server does not answer, as in its first second.
      const current = await reader.read(stop.signal).catch(() => undefined);
      stop.signal.throwIfAborted();
      if (current !== undefined) {
        if (reading !== undefined && isUsable(reading))
          changesBetween(reading, current).forEach((sentence) => remember(`kubegauge: ${sentence}`));
        reading = current;
        if (isUsable(reading)) usable.resolve(reading);
      }
      show();
      const took = Date.now() - beganMs;
      await sleep(Math.max(readEveryMs - took, took / readingShare - took), undefined, { signal: stop.signal });
    }
  }

  /** Runs each command once as soon as there is usage; where they stay in sight, again and again. */
  async function tryOn(): Promise<void> {
    const usableReading = await usable.promise;
    const commands = commandsFor(
      {
        platform: process.platform,
        root,
        cwd: process.env['INIT_CWD'] ?? process.cwd(),
        files,
        serverUrl,
        kubectl: findProgram('kubectl', process.env, process.platform),
        curl: findProgram('curl', process.env, process.platform),
      },
      usableReading,
    );
    const first: Tried[] = [];
    for (const command of commands) first.push(await run(command));
    tried = first;
    triedMs = Date.now();
    for (let at = 0; presenter.isLive; at = (at + 1) % commands.length) {
      await sleep(rerunEveryMs, undefined, { signal: stop.signal });
      const command = commands[at];
      if (command !== undefined) tried = tried.with(at, await run(command));
    }
  }

  async function run(command: Command): Promise<Tried> {
    const output = await outputOf(command, stop.signal);
    stop.signal.throwIfAborted();
    return { typed: command.typed, excerpt: excerptOf(output, command, excerptLines) };
  }

  function remember(sentence: string): void {
    const event = { atMs: Date.now(), sentence };
    events.push(event);
    events.splice(0, events.length - keptEvents);
    unseen.push(event);
  }

  function show(): void {
    const news = unseen;
    unseen = [];
    presenter.show({ reading, nowMs: Date.now(), addresses, events, tried, turn: turnNow() }, news);
  }
}

/** Reports whether there is usage of nodes and of pods. */
function isUsable({ nodes, pods }: Reading): boolean {
  return nodes.some(({ usage }) => usage !== undefined) && pods.some(({ usage }) => usage !== undefined);
}
