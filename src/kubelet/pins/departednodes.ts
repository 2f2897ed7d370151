/** Removes pins of Nodes that are gone. */
import { field, items, text } from '../../client/json.ts';
import { listPages } from '../../client/listpages.ts';
import type { RestClient } from '../../client/rest.ts';
import type { Clock } from '../../clock.ts';
import { describeError, type Logger } from '../../logging.ts';
import { bytesOf, type Pin, type PinChange, pinKey, type Pins, pinsLimitBytes } from './pinlist.ts';

export interface DepartedNodesOptions {
  readonly pins: {
    pins(): Pins;
    change(changes: readonly PinChange[]): Promise<void>;
  };
  readonly nodes: {
    synced(): boolean;
    list(): readonly { readonly name: string; readonly uid: string | undefined }[];
  };
  readonly rest: Pick<RestClient, 'get'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Milliseconds between two looks. */
export const lookEveryMs = 5 * 60_000;
/** Milliseconds that a Node has to be unknown: lists of Nodes lag, and backups are restored. */
export const graceMs = 60 * 60_000;
/** The same while pins need more than half of their room: a blue/green replacement doubles the nodes within hours. */
export const shortGraceMs = lookEveryMs;
const pageSize = 500;
/** Beyond it, which is 100,000 Nodes, nothing is removed. */
const pageLimit = 200;

/** Runs until the signal aborts. */
export async function removeDepartedNodes(options: DepartedNodesOptions, signal: AbortSignal): Promise<void> {
  const { clock, log } = options;
  const look = createLook(options);
  while (!signal.aborted) {
    await clock.sleep(lookEveryMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    await look(signal).catch((error: unknown) => {
      if (signal.aborted) return;
      log.warn({ code: 'PinsNotRemoved', reason: describeError(error) }, 'cannot check whose pinned kubelets are gone');
    });
  }
}

function createLook({ pins, nodes, rest, clock, log }: DepartedNodesOptions) {
  const unknownSince = new Map<string, number>();

  return async (signal: AbortSignal): Promise<void> => {
    if (!nodes.synced()) return;
    const candidates = overdue();
    if (candidates.length === 0) return;
    // Our own list may lag, or leave Nodes out (--node-selector).
    const existing = await listNodeIds(rest, signal);
    const gone: PinChange[] = [];
    for (const [key, pin] of candidates) {
      if (!existing.has(idOf(key, pin))) gone.push({ key, pin, isGone: true });
      else unknownSince.set(idOf(key, pin), clock.monotonicMs());
    }
    if (gone.length === 0) return;
    await pins.change(gone);
    log.info({ pins: gone.length }, 'pins of kubelets whose nodes are gone were removed');
  };

  /** Returns pins of Nodes that have been unknown for the whole grace time. */
  function overdue(): readonly (readonly [string, Pin])[] {
    const known = new Map(nodes.list().map(({ name, uid }) => [pinKey(name), uid]));
    const nowMs = clock.monotonicMs();
    const all = pins.pins();
    const grace = bytesOf(all) > pinsLimitBytes / 2 ? shortGraceMs : graceMs;
    const ids = new Set([...all].map(([key, pin]) => idOf(key, pin)));
    for (const id of unknownSince.keys()) if (!ids.has(id)) unknownSince.delete(id);
    const found: (readonly [string, Pin])[] = [];
    for (const [key, pin] of all) {
      const id = idOf(key, pin);
      if (known.get(key) === pin.uid) {
        unknownSince.delete(id);
        continue;
      }
      const sinceMs = unknownSince.get(id) ?? nowMs;
      unknownSince.set(id, sinceMs);
      if (nowMs - sinceMs >= grace) found.push([key, pin]);
    }
    return found;
  }
}

/**
 * Returns the `idOf` of all Nodes, from etcd and not from a cache that may lag.
 * @throws StatusError, errors of the connection, and Error for what is no list, or too long: then nothing is known to be gone.
 */
async function listNodeIds(rest: Pick<RestClient, 'get'>, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  let pages = 0;
  for await (const page of listPages((query) => rest.get('/api/v1/nodes', { query, accept, signal }), pageSize)) {
    pages += 1;
    if (pages > pageLimit) throw new Error(`there are more than ${pageLimit * pageSize} Nodes`);
    if (text(field(field(page, 'metadata'), 'resourceVersion')) === undefined)
      throw new Error('no list of Nodes was sent');
    for (const node of items(field(page, 'items'))) {
      const metadata = field(node, 'metadata');
      const [name, uid] = [text(field(metadata, 'name')), text(field(metadata, 'uid'))];
      if (name === undefined || uid === undefined) throw new Error('a Node without name or UID was sent');
      ids.add(idOf(pinKey(name), { uid }));
    }
  }
  return ids;
}

/** Without status and images, a Node has about 2 kB instead of 20. */
const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

function idOf(key: string, { uid }: Pick<Pin, 'uid'>): string {
  return `${key} ${uid}`;
}
