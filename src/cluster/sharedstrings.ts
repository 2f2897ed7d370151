/** Returns a function that returns the first equal string, so that many pods hold one. @param limit beyond it all are dropped. */
export function createSharedStrings(limit: number): (text: string) => string {
  const strings = new Map<string, string>();
  return (text) => {
    const known = strings.get(text);
    if (known !== undefined) return known;
    if (strings.size >= limit) strings.clear();
    strings.set(text, text);
    return text;
  };
}
