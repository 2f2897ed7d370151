/** Snapshots the store, and the history, to files of their own, from which a restarted server serves at once what it had. */
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
  readonly path: string | undefined;
  /** Undefined for a file of additions only. */
  readonly storage: Storage | undefined;
  /** What else is written, if anything. */
  readonly addition?: SnapshotAddition | undefined;
  readonly nodes: Pick<NodeLister, 'synced' | 'get'>;
  readonly intervalMs: number;
  /** For large clusters. */
  readonly longestPauseMs: number;
  readonly limitBytes?: number;
  /** Of a file that is read, in milliseconds. Default: what is of use to the storage. */
  readonly oldestMs?: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Lines of another module. */
export interface SnapshotAddition {
  /** Returns JSON values, or their `JsonText`, each as it is when it is consumed. @param limitBytes of the whole file. */
  saved(limitBytes: number): Iterable<unknown>;
  /** @param thenMs when they were saved, monotonic. @throws Error for lines that cannot be; then nothing is restored. */
  restore(lines: readonly unknown[], thenMs: number): void;
  /** For a node that left while no process ran. */
  forget(node: string): void;
}

export interface SnapshotKeeper {
  /** Never rejects: without a snapshot the server starts empty. Warns of a folder that holds no files. */
  load(): Promise<void>;
  /** Until the signal aborts, and once after. */
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Written or read; 5,000 nodes with 300,000 containers take about 200 MB. Writing needs twice as much, as the old file
 * is kept until the end: the `sizeLimit` in manifests/base, beyond which Kubernetes evicts the pod.
 */
export const snapshotLimitBytes = 400 * 1024 * 1024;
/** The history's own: its oldest points are left out beyond it. Twice these limits and that of rules (`rulesLimitBytes`) is below the `sizeLimit`. */
export const historyLimitBytes = 100 * 1024 * 1024;
/** Samples of an older snapshot would make windows that are too long to be of use. */
const oldestUsefulMs = 5 * 60_000;
const chunkCharacters = 64 * 1024;
/** Share of the time for writing, up to the longest interval. */
const largestShare = 0.02;

export function createSnapshotKeeper(options: SnapshotOptions): SnapshotKeeper {
  const { path: file, storage, addition, limitBytes = snapshotLimitBytes, clock, log } = options;
  const { oldestMs = oldestUsefulMs } = options;
  const readable = { forbiddenMode: othersMayWrite, sizeLimitBytes: limitBytes };
  let failing = false;

  return file === undefined
    ? { load: () => Promise.resolve(), run: () => Promise.resolve() }
    : { load: () => load(file), run: (signal) => run(file, signal) };

  async function load(target: string): Promise<void> {
    try {
      await removeUnfinished(target);
      const snapshot = readSnapshot(await readOwnFile(target, readable), now(), oldestMs);
      addition?.restore(snapshot.additions, now().monotonicMs - (now().wallMs - snapshot.writtenMs));
      storage?.restore(snapshot.nodes);
      const seconds = Math.round((clock.wallMs() - snapshot.writtenMs) / 1000);
      const lines = snapshot.nodes.length + snapshot.additions.length;
      log.info({ path: target, lines, seconds }, 'restored what was stored before');
    } catch (error) {
      if (!isNotFound(error))
        log.warn(
          { code: 'SnapshotIgnored', path: target, reason: describeError(error) },
          'the snapshot is of no use and is ignored',
        );
    }
    await checkFolder(target);
  }

  /** Writes an empty file: permissions do not show a read-only or full volume. */
  async function checkFolder(target: string): Promise<void> {
    try {
      const unfinished = unfinishedPath(target);
      await (await open(unfinished, 'wx', 0o600)).close();
      await rm(unfinished);
    } catch (error) {
      warnOfWrite(target, error);
    }
  }

  async function run(target: string, signal: AbortSignal): Promise<void> {
    let tookMs = 0;
    const pauseMs = () => Math.max(options.intervalMs, Math.min(tookMs / largestShare, options.longestPauseMs));
    const pause = () => clock.sleep(pauseMs(), signal).catch(() => undefined);
    for (await pause(); !signal.aborted; await pause()) {
      const startedMs = clock.monotonicMs();
      await save(target);
      tookMs = clock.monotonicMs() - startedMs;
    }
    await save(target);
  }

  async function save(target: string): Promise<void> {
    try {
      await writeLines(target, writeSnapshot(storedNodes(options), now(), addition?.saved(limitBytes)), limitBytes);
      failing = false;
    } catch (error) {
      warnOfWrite(target, error);
    }
  }

  /** Warns once: the next restart will have a gap; nothing else is lost. */
  function warnOfWrite(target: string, error: unknown): void {
    if (!failing)
      log.warn(
        { code: 'SnapshotNotWritten', path: target, reason: describeError(error) },
        'cannot write the snapshot; does its folder exist, and may this user write to it?',
      );
    failing = true;
  }

  function now() {
    return { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
  }
}

/** Drops nodes that left while no process ran: the informer reports no deletion of them. */
function* storedNodes({
  storage,
  addition,
  nodes,
}: Pick<SnapshotOptions, 'storage' | 'addition' | 'nodes'>): Generator<readonly [string, NodeState]> {
  for (const each of storage?.states() ?? []) {
    if (nodes.synced() && nodes.get(each[0]) === undefined) {
      storage?.forget(each[0]);
      addition?.forget(each[0]);
    } else yield each;
  }
}

/** Renames the complete file, so that a reader never finds a part. */
async function writeLines(file: string, lines: Iterable<string>, limitBytes: number): Promise<void> {
  const unfinished = unfinishedPath(file);
  // Fails where a file or a link exists: in a shared folder, others may have put it there.
  const handle = await open(unfinished, 'wx', 0o600);
  try {
    let chunk = '';
    let writtenBytes = 0;
    const append = async () => {
      writtenBytes += Buffer.byteLength(chunk);
      if (writtenBytes > limitBytes) throw new Error(`it would have more than ${limitBytes} bytes`);
      // Not write(), which may write a part and reports that only in its result.
      await handle.appendFile(chunk);
      chunk = '';
    };
    for (const line of lines) {
      chunk += line;
      if (chunk.length >= chunkCharacters) await append();
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

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

const unfinishedEnd = '.new';

function unfinishedPath(file: string): string {
  return `${file}.${randomUUID()}${unfinishedEnd}`;
}

/** Cleans up after a process that was killed while it wrote. */
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
