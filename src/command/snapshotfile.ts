/** Keeps a snapshot of what is stored in a file, so that a restarted server has something to say at once. */
import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../clock.ts';
import type { NodeLister } from '../cluster/nodes.ts';
import { describeError, type Logger } from '../logging.ts';
import { othersMayWrite, readOwnFile } from '../ownfile.ts';
import type { NodeState } from '../storage/nodestate.ts';
import { readSnapshot, writeSnapshot } from '../storage/snapshot.ts';
import type { Storage } from '../storage/storage.ts';

export interface SnapshotOptions {
  /** Undefined keeps none. */
  readonly path: string | undefined;
  readonly storage: Storage;
  readonly nodes: Pick<NodeLister, 'synced' | 'get'>;
  /** How often it is written, in milliseconds. */
  readonly intervalMs: number;
  /** With many nodes it is written less often, but at least so often, in milliseconds. */
  readonly longestPauseMs: number;
  /** The most bytes of the file. Default: snapshotLimitBytes. */
  readonly limitBytes?: number;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface SnapshotKeeper {
  /** Takes in what a process before this one has left. Never rejects: without a snapshot, the server starts as if there was none. */
  load(): Promise<void>;
  /** Writes it again and again, and once more when the signal aborts; resolves after that. */
  run(signal: AbortSignal): Promise<void>;
}

/**
 * The most bytes of a snapshot, written or read; 5,000 nodes with 300,000 containers take about 200 MB. While a new one is written the old one is
 * there too, so the folder needs room for two: the `sizeLimit` in manifests/base, beyond which Kubernetes evicts the pod.
 */
export const snapshotLimitBytes = 400 * 1024 * 1024;
/** An older one is of no use. Each usage in it is as good as its age allows; but samples of long ago would make windows that nobody wants. */
const oldestMs = 5 * 60_000;
/** Lines are written together up to this size. */
const chunkCharacters = 64 * 1024;
/** Writing takes at most this share of the time, as long as the pauses are not too long. */
const largestShare = 0.02;

export function createSnapshotKeeper({
  path: target,
  storage,
  nodes,
  limitBytes = snapshotLimitBytes,
  clock,
  log,
  ...times
}: SnapshotOptions): SnapshotKeeper {
  const readable = { forbiddenMode: othersMayWrite, sizeLimitBytes: limitBytes };
  let failing = false;

  return target === undefined
    ? { load: () => Promise.resolve(), run: () => Promise.resolve() }
    : { load: () => load(target), run: (signal) => run(target, signal) };

  async function load(file: string): Promise<void> {
    try {
      await removeUnfinished(file);
      const snapshot = readSnapshot(await readOwnFile(file, readable), now(), oldestMs);
      storage.restore(snapshot.nodes);
      const seconds = Math.round((clock.wallMs() - snapshot.writtenMs) / 1000);
      log.info({ path: file, nodes: snapshot.nodes.length, seconds }, 'restored what was stored before');
    } catch (error) {
      if (isNotThere(error)) return;
      log.warn({ path: file, reason: describeError(error) }, 'the snapshot is of no use and is ignored');
    }
  }

  async function run(file: string, signal: AbortSignal): Promise<void> {
    let tookMs = 0;
    const pauseMs = () => Math.max(times.intervalMs, Math.min(tookMs / largestShare, times.longestPauseMs));
    const pause = () => clock.sleep(pauseMs(), signal).catch(() => undefined);
    for (await pause(); !signal.aborted; await pause()) {
      const startedMs = clock.monotonicMs();
      await save(file);
      tookMs = clock.monotonicMs() - startedMs;
    }
    await save(file);
  }

  async function save(file: string): Promise<void> {
    try {
      await write(file);
      failing = false;
    } catch (error) {
      // The next restart will have a gap, but nothing else is worse.
      if (!failing)
        log.warn({ path: file, reason: describeError(error) }, 'cannot write the snapshot; is its folder writable?');
      failing = true;
    }
  }

  /** A file that is there is always a whole one: the new one takes its place when it is complete. */
  async function write(file: string): Promise<void> {
    const unfinished = `${file}.${randomUUID()}${unfinishedEnd}`;
    // Fails where something is there, a link too: in a folder that others can write to, they may have put it there.
    const handle = await open(unfinished, 'wx', 0o600);
    try {
      let chunk = '';
      let writtenBytes = 0;
      const append = async () => {
        writtenBytes += Buffer.byteLength(chunk);
        if (writtenBytes > limitBytes) throw new Error(`it would have more than ${limitBytes} bytes`);
        await handle.appendFile(chunk);
        chunk = '';
      };
      for (const line of writeSnapshot(known(), now())) {
        chunk += line;
        if (chunk.length < chunkCharacters) continue;
        // Not write(): that may write less than it is told to, and say so to nobody who does not ask.
        await append();
      }
      await append();
      await rename(unfinished, file);
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
  }

  /** Nodes that were restored and have left meanwhile end here: nobody else will tell of them. */
  function* known(): Generator<readonly [string, NodeState]> {
    for (const each of storage.states()) {
      if (nodes.synced() && nodes.get(each[0]) === undefined) storage.forget(each[0]);
      else yield each;
    }
  }

  function now() {
    return { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
  }
}

function isNotThere(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

const unfinishedEnd = '.new';

/** Removes what a process that was killed while it wrote has left. */
async function removeUnfinished(file: string): Promise<void> {
  const { dir, base } = path.parse(file);
  for (const name of await readdir(dir === '' ? '.' : dir)) {
    const isUnfinished = name.startsWith(`${base}.`) && name.endsWith(unfinishedEnd);
    if (isUnfinished && name.length === base.length + 1 + uuidLength + unfinishedEnd.length) {
      await rm(path.join(dir, name), { force: true });
    }
  }
}

const uuidLength = 36;
