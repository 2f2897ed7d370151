/**
 * The numbers of a metric where they are at its end, as Go's encoder writes them: then they can be read without the rest. Hot: asked for every sample
 * that is recognised.
 */
import type { Sample } from './sample.ts';

/** The tags and lengths that stand around the numbers of a metric as Go's encoder writes it, with a value and a time of this century. */
const tag = {
  gauge: 0x12,
  counter: 0x1a,
  untyped: 0x2a,
  double: 0x09,
  timestampMs: 0x30,
} as const;
/** At the end of the message: tag, length, tag, 8 bytes; then, where there is a time, tag, 6 bytes. */
export const valueBytes = 11;
export const timeBytes = 7;
const doubleBytes = 8;

/** Whether a gauge, counter or untyped value with nothing but a double ends here. */
function hasPlainValue(view: DataView, stop: number): boolean {
  const kind = view.getUint8(stop - valueBytes);
  return (
    (kind === tag.counter || kind === tag.gauge || kind === tag.untyped) &&
    view.getUint16(stop - 10) === ((doubleBytes + 1) << 8) + tag.double
  );
}

function plainValue(view: DataView, stop: number): number {
  return view.getFloat64(stop - doubleBytes, true);
}

/** Whether a time of six bytes ends here, as those of this century do. */
function hasPlainTime(view: DataView, stop: number): boolean {
  return (
    view.getUint8(stop - timeBytes) === tag.timestampMs &&
    (view.getInt32(stop - 6) & 0x80808080) === (0x80808080 | 0) &&
    (view.getUint16(stop - 2) & 0x8080) === 0x8000
  );
}

/** The varint of six bytes that ends here: seven bits in each, the lowest first. */
function plainTime(view: DataView, stop: number): number {
  const four = view.getInt32(stop - 6, true);
  const two = view.getUint16(stop - 2, true);
  const low =
    (four & 0x7f) | ((four >>> 1) & (0x7f << 7)) | ((four >>> 2) & (0x7f << 14)) | ((four >>> 3) & (0x7f << 21));
  return ((two & 0x7f) | ((two >>> 1) & (0x7f << 7))) * 0x1000_0000 + low;
}

/**
 * Reads the numbers that end here into the sample, and returns whether they are plain. In fields of it: V8 would make an object of a number that a function
 * returns, where it has not the room to inline that.
 */
export function takePlainNumbers(view: DataView, stop: number, isTimed: boolean, sample: Sample): boolean {
  const valueStop = isTimed ? stop - timeBytes : stop;
  if (!hasPlainValue(view, valueStop) || (isTimed && !hasPlainTime(view, stop))) return false;
  sample.value = plainValue(view, valueStop);
  sample.timestampMs = isTimed ? plainTime(view, stop) : Number.NaN;
  return true;
}

/** A view is made once for the memory that a connection reads into, not for each piece of a body; what a piece's end has cut is in another one, in between. */
export function viewOver(memory: ArrayBufferLike): DataView {
  if (lastView.buffer === memory) return lastView;
  const view = viewBefore.buffer === memory ? viewBefore : new DataView(memory);
  viewBefore = lastView;
  lastView = view;
  return view;
}

let lastView: DataView = new DataView(new ArrayBuffer(0));
let viewBefore: DataView = lastView;
