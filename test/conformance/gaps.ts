/** Known faults of ours: the cases' titles and a sentence. They fail like any other until they are mended. */

export const gaps: ReadonlyMap<string, string> = new Map();
