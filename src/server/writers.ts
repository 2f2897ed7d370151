/**
 * Writers that answers take and give back. What each of them holds is outside of JavaScript's heap: made anew for every answer, it would be
 * seen as garbage of some hundred KiB each time, and hundreds of answers as a reason to look through the whole heap of a large cluster.
 */
import { JsonWriter } from '../apimachinery/jsonwriter.ts';

export interface Writers {
  take(): JsonWriter;
  /** Its bytes must not be needed any more. Whoever cannot know that keeps it, and it is lost. */
  give(writer: JsonWriter): void;
}

/** So many are kept: more answers are under way at a time only when clients read slowly. */
const spareLimit = 4;

export function createWriters(): Writers {
  const spare: JsonWriter[] = [];
  return {
    take: () => spare.pop() ?? new JsonWriter(),
    give(writer) {
      if (spare.length < spareLimit && writer.isSmall()) spare.push(writer);
    },
  };
}
