/** Booleans as Go's strconv.ParseBool spells them. */

const spellings: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false] as const),
]);

/** Parses Go's spellings; undefined for others. */
export function parseBool(text: string): boolean | undefined {
  return spellings.get(text);
}
