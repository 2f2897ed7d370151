/**
 * Pools the writers of responses. Their buffers are outside of JavaScript's heap: a new one per response counts as
 * some hundred KiB of garbage, and hundreds cause full collections of a large heap.
 */
import { JsonWriter } from '../apimachinery/jsonwriter.ts';

export interface WriterPool {
  acquire(): JsonWriter;
  /** The caller must be sure that the bytes are unused; else it drops the writer. */
  release(writer: JsonWriter): void;
}

/** More are in use only when clients read slowly. */
const spareLimit = 4;

export function createWriterPool(): WriterPool {
  const spare: JsonWriter[] = [];
  return {
    acquire: () => spare.pop() ?? new JsonWriter(),
    release(writer) {
      if (spare.length < spareLimit && writer.isSmall()) spare.push(writer);
    },
  };
}
