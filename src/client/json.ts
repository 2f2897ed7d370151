/** Looks into decoded JSON, or protobuf that was decoded like it, that nobody has checked yet: what is not there, or not of the type, is undefined. */

/** A member of an object; never something that the object inherits. */
export function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  const member: unknown = Reflect.get(value, name);
  return member;
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The items of an array; none if it is anything else. */
export function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The strings of an array; what is not a string is left out. */
export function texts(value: unknown): readonly string[] {
  return items(value).filter((item) => typeof item === 'string');
}

/** The string members of an object, such as labels; a Map, because a label may be called `constructor`. */
export function textMap(value: unknown): ReadonlyMap<string, string> {
  // Only protobuf is decoded to Maps, and those have nothing but texts.
  if (value instanceof Map) return value as ReadonlyMap<string, string>;
  const map = new Map<string, string>();
  if (typeof value !== 'object' || value === null) return map;
  for (const [key, member] of Object.entries(value)) if (typeof member === 'string') map.set(key, member);
  return map;
}
