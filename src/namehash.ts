/** Returns FNV-1a over UTF-16 units: spreads nodes evenly by name. */
export function nameHash(name: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < name.length; at += 1) value = Math.imul(value ^ name.charCodeAt(at), 0x01000193) >>> 0;
  return value;
}
