/**
 * A pool of the writers that encode responses. Their buffers are outside of JavaScript's heap: a new one for each response would count as some hundred KiB
 * of garbage, and hundreds of responses would cause full collections of a large cluster's heap.
 */
import { JsonWriter } from '../apimachinery/jsonwriter.ts';

export interface WriterPool {
  acquire(): JsonWriter;
  /** Returns a writer whose bytes are not used any more. A caller that cannot know it drops the writer instead. */
  release(writer: JsonWriter): void;
}

/** Writers that are kept. More responses are in progress at a time only when clients read slowly. */
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
