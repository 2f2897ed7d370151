/** Splits a watch's chunks into frames: four bytes of big-endian length, then the content. */

const headBytes = 4;

/** Keeps an incomplete frame. Frames are views, valid as long as the chunk. */
export function createFrameSplitter(limitBytes: number): (chunk: Buffer) => readonly Buffer[] {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let wantedBytes = headBytes;
  return (chunk) => {
    pending.push(chunk);
    pendingBytes += chunk.length;
    if (pendingBytes < wantedBytes) return [];
    const bytes = pending.length === 1 ? chunk : Buffer.concat(pending, pendingBytes);
    const frames: Buffer[] = [];
    let start = 0;
    wantedBytes = headBytes;
    while (bytes.length - start >= wantedBytes) {
      const length = bytes.readUInt32BE(start);
      if (length > limitBytes) throw new Error(`a frame of the watch is longer than ${limitBytes} bytes`);
      wantedBytes = headBytes + length;
      if (bytes.length - start < wantedBytes) break;
      frames.push(bytes.subarray(start + headBytes, start + wantedBytes));
      start += wantedBytes;
      wantedBytes = headBytes;
    }
    pending = start < bytes.length ? [bytes.subarray(start)] : [];
    pendingBytes = bytes.length - start;
    return frames;
  };
}
