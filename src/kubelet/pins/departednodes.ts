/** Removes pins of Nodes that are gone. */
import type { RestClient } from '../../client/rest.ts';
import { field, items, text } from '../../client/json.ts';
import type { Clock } from '../../clock.ts';
import { describeError, type Logger } from '../../logging.ts';
import { nodeOf, type Pin, type PinChange, pinKey, type Pins } from './pinlist.ts';

export interface DepartedNodesOptions {
  readonly pins: {
    pins(): Pins;
    change(changes: readonly PinChange[]): Promise<void>;
  };
  readonly nodes: {
    synced(): boolean;
    list(): readonly { readonly name: string; readonly uid: string | undefined }[];
  };
  /** False with --node-selector. */
  readonly hasAllNodes: boolean;
  readonly rest: Pick<RestClient, 'get'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Milliseconds between two looks. */
export const lookEveryMs = 5 * 60_000;
/** Milliseconds that a Node has to be unknown: lists of Nodes lag, and backups are restored. */
export const graceMs = 60 * 60_000;
/** Requests per look: each asks for one Node. */
const confirmLimit = 50;

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

function createLook({ pins, nodes, hasAllNodes, rest, clock, log }: DepartedNodesOptions) {
  const unknownSince = new Map<string, number>();

  return async (signal: AbortSignal): Promise<void> => {
    if (!nodes.synced()) return;
    const gone: PinChange[] = [];
    for (const [key, pin] of overdue()) {
      if (await isGone(key, pin, signal)) gone.push({ key, pin, isGone: true });
      // Asked again after another grace, so that others get their turn.
      else unknownSince.set(idOf(key, pin), clock.monotonicMs());
    }
    if (gone.length === 0) return;
    await pins.change(gone);
    log.info({ pins: gone.length }, 'pins of kubelets whose nodes are gone were removed');
  };

  /** Returns pins of Nodes that have been unknown for the whole grace. */
  function overdue(): readonly (readonly [string, Pin])[] {
    const known = new Map(nodes.list().map(({ name, uid }) => [pinKey(name), uid]));
    const nowMs = clock.monotonicMs();
    const all = pins.pins();
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
      if (nowMs - sinceMs >= graceMs && found.length < confirmLimit) found.push([key, pin]);
    }
    return found;
  }

  /** Asks kube-apiserver: our list may leave Nodes out (--node-selector). Names known only by their hash cannot be asked for. */
  async function isGone(key: string, pin: Pin, signal: AbortSignal): Promise<boolean> {
    const name = nodeOf(key);
    if (name === undefined) return hasAllNodes;
    const query = { fieldSelector: `metadata.name=${name}` };
    const found = await rest.get('/api/v1/nodes', { query, signal });
    return !items(field(found, 'items')).some((node) => text(field(field(node, 'metadata'), 'uid')) === pin.uid);
  }
}

function idOf(key: string, { uid }: Pin): string {
  return `${key} ${uid}`;
}
