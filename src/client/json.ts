/** Reads unvalidated JSON, or protobuf decoded like it; what is missing or of another type is undefined. */

/** Returns undefined for what is no JSON. */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Reads an own member, never an inherited one. */
export function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  const member: unknown = Reflect.get(value, name);
  return member;
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Returns none for anything but an array. */
export function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Returns the strings of an array. */
export function texts(value: unknown): readonly string[] {
  return items(value).filter((item) => typeof item === 'string');
}

/** Returns string members, in a Map because a label may be named `constructor`. */
export function textMap(value: unknown): ReadonlyMap<string, string> {
  // Only protobuf is decoded to Maps, which hold only strings.
  if (value instanceof Map) return value as ReadonlyMap<string, string>;
  const map = new Map<string, string>();
  if (typeof value !== 'object' || value === null) return map;
  for (const [key, member] of Object.entries(value)) if (typeof member === 'string') map.set(key, member);
  return map;
}
