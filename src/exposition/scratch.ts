/**
 * Objects that all readers of a thread share. Nothing in them outlives the call that uses them, and no call suspends. All mutable state of this module's files that
 * no object owns is here.
 */
import { Cursor } from './wire.ts';
import { Sample } from './sample.ts';

/** The sample that readers fill and hand to their sink. */
export const sample = new Sample();

/** A sample's numbers as the fast path would read them, to compare with those of the slow path. */
export const trailing = new Sample();

/** Walks protobuf. Shared for the same reason as `sample`. */
export const cursor = new Cursor();

/** Eight bytes as one word, for identities of fewer. */
export const shortWord = new Float64Array(1);
export const shortWordBytes = new Uint8Array(shortWord.buffer);

let latestView: DataView = new DataView(new ArrayBuffer(0));
let previousView = latestView;

/**
 * Returns a view over all of the memory. Connections read into one buffer, and what a chunk's end has cut is read from another one in between, so the latest two are
 * kept.
 */
export function viewOver(memory: ArrayBufferLike): DataView {
  if (latestView.buffer === memory) return latestView;
  const view = previousView.buffer === memory ? previousView : new DataView(memory);
  previousView = latestView;
  latestView = view;
  return view;
}
