/** The pins of all nodes as text, a line per node; pure. */
import { createHash } from 'node:crypto';
import { isProof, type Proof } from './proof.ts';

export interface Pin {
  /** The Node's; another one is a new first use. */
  readonly uid: string;
  readonly proof: Proof;
}

/** By `pinKey`. */
export type Pins = ReadonlyMap<string, Pin>;

/**
 * Bytes of the text. A ConfigMap holds 1 MiB of data. A line has at most 190 bytes, so 5,000 nodes take at most 950,000;
 * with names of 40 characters, 7,700 nodes fit.
 */
export const pinsLimitBytes = 1_000_000;

/** A longer name than 100 characters, of up to 253, is replaced by its hash. */
const nameForm = /^[a-z0-9][a-z0-9.-]{0,99}$/;

const uidForm = /^[A-Za-z0-9-]{1,36}$/;
/** No node's name begins with a tilde. */
const line = /^([a-z0-9][a-z0-9.-]{0,99}|~[A-Za-z0-9_-]{43}) ([A-Za-z0-9-]{1,36}) (\S+)$/;

/** Returns the key of a node's pin: its name, or a hash of one that is long or that a line cannot hold. */
export function pinKey(node: string): string {
  return nameForm.test(node) ? node : `~${createHash('sha256').update(node).digest('base64url')}`;
}

export function isPinnableUid(uid: string | undefined): uid is string {
  return uid !== undefined && uidForm.test(uid);
}

/** @throws Error for a malformed line: leaving it out would make the next key of its node a first use. */
export function parsePins(text: string): Pins {
  const pins = new Map<string, Pin>();
  for (const [at, each] of text.split('\n').entries()) {
    if (each.trim() === '') continue;
    const [, key, uid, proof] = line.exec(each.trim()) ?? [];
    if (key === undefined || uid === undefined || proof === undefined || !isProof(proof)) {
      throw new Error(`line ${at + 1} is not <node> <UID> <"ca" or sha256:key>`);
    }
    if (pins.has(key)) throw new Error(`line ${at + 1} is the second of its node`);
    pins.set(key, { uid, proof });
  }
  return pins;
}

/** Sorts by node. */
export function formatPins(pins: Pins): string {
  return [...pins]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, pin]) => formatPin(key, pin))
    .join('');
}

function formatPin(key: string, { uid, proof }: Pin): string {
  return `${key} ${uid} ${proof}\n`;
}

/** A pin to add, or one whose Node is gone. */
export interface PinChange {
  readonly key: string;
  readonly pin: Pin;
  readonly isGone?: boolean;
}

export interface ChangedPins {
  readonly pins: Pins;
  readonly isChanged: boolean;
  /** Whether a pin was left out because the text would be too long. */
  readonly isFull: boolean;
}

/**
 * Applies changes in their order. The first pin of a Node stays, except that one of a CA replaces one of a key; a pin of
 * a Node with another UID is replaced.
 */
export function changePins(before: Pins, changes: readonly PinChange[], limitBytes = pinsLimitBytes): ChangedPins {
  const pins = new Map(before);
  let bytes = bytesOf(pins);
  let isChanged = false;
  let isFull = false;
  for (const { key, pin, isGone = false } of changes) {
    const current = pins.get(key);
    if (isGone ? current?.uid !== pin.uid : isKept(current, pin)) continue;
    const grown =
      (isGone ? 0 : formatPin(key, pin).length) - (current === undefined ? 0 : formatPin(key, current).length);
    if (grown > 0 && bytes + grown > limitBytes) {
      isFull = true;
      continue;
    }
    if (isGone) pins.delete(key);
    else pins.set(key, pin);
    bytes += grown;
    isChanged = true;
  }
  return { pins, isChanged, isFull };
}

function isKept(current: Pin | undefined, { uid, proof }: Pin): boolean {
  return current?.uid === uid && (current.proof === proof || proof !== 'ca');
}

/** A user removes lines so that their nodes are pinned anew; more at once were lost by a replacement of the ConfigMap. */
export const removedLinesLimit = 3;

/**
 * Returns the pins of existing Nodes that a later version of the ConfigMap lost at once; none for single lines.
 * @param nodes as last listed. Pins of other Nodes may have been removed by another replica.
 */
export function lostPins(
  before: Pins,
  after: { readonly pins: Pins; readonly hasKey: boolean },
  nodes: () => readonly { readonly name: string; readonly uid: string | undefined }[],
): Pins {
  const missing = [...before].filter(([key]) => !after.pins.has(key));
  const isWhole = !after.hasKey || (after.pins.size === 0 && missing.length > 1);
  if (missing.length === 0 || (missing.length <= removedLinesLimit && !isWhole)) return new Map();
  const uids = new Map(nodes().map(({ name, uid }) => [pinKey(name), uid]));
  return new Map(missing.filter(([key, { uid }]) => uids.get(key) === uid));
}

/** Returns the length of the text. */
export function bytesOf(pins: Pins): number {
  let bytes = 0;
  for (const [key, pin] of pins) bytes += formatPin(key, pin).length;
  return bytes;
}
