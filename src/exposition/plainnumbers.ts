/**
 * The numbers of a metric where they are at its end, as Go's encoder writes them: then they can be read without the rest. Hot: asked for every sample
 * that is recognised, and few enough steps for V8 to inline them.
 */
import type { Sample } from './sample.ts';

/** At the end of the message: tag, length, tag, 8 bytes; then, where there is a time, tag, 6 bytes. */
export const valueBytes = 11;
export const timeBytes = 7;
const doubleBytes = 8;

/** The tags that stand before the numbers: of what kind the value is, of the time. */
const gauge = 0x12;
const counter = 0x1a;
const untyped = 0x2a;
const timestampMs = 0x30;
/** Behind the kind: a length of nine bytes, and the tag of a double. The first byte is the lowest. */
const doubleHead = 0x09_09_00;

/**
 * Reads the numbers that end here into the sample, and returns whether they are plain: a gauge, counter or untyped value with nothing but a double, and a
 * time of six bytes, as those of this century have. In fields of the sample: V8 would make an object of a number that a function returns, where it has not
 * the room to inline that.
 */
export function takePlainNumbers(view: DataView, stop: number, isTimed: boolean, sample: Sample): boolean {
  const valueStop = isTimed ? stop - timeBytes : stop;
  const head = view.getInt32(valueStop - valueBytes, true);
  const kind = head & 0xff;
  if ((head & 0xff_ff_00) !== doubleHead || (kind !== counter && kind !== gauge && kind !== untyped)) return false;
  sample.value = view.getFloat64(valueStop - doubleBytes, true);
  if (isTimed) return takePlainTime(view, stop, sample);
  sample.timestampMs = Number.NaN;
  return true;
}

/** A varint of six bytes: seven bits in each, the lowest first, and all but the last with the highest bit set. */
function takePlainTime(view: DataView, stop: number, sample: Sample): boolean {
  const four = view.getInt32(stop - 6, true);
  const two = view.getUint16(stop - 2, true);
  if (view.getUint8(stop - timeBytes) !== timestampMs) return false;
  if ((four & 0x80_80_80_80) !== (0x80_80_80_80 | 0) || (two & 0x80_80) !== 0x80) return false;
  const low =
    (four & 0x7f) | ((four >>> 1) & (0x7f << 7)) | ((four >>> 2) & (0x7f << 14)) | ((four >>> 3) & (0x7f << 21));
  sample.timestampMs = ((two & 0x7f) | ((two >>> 1) & (0x7f << 7))) * 0x1000_0000 + low;
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
