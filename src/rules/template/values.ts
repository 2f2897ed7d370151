/** The values that a template can reach, with Go's types. */

/** An element of a string in Go: uint8. */
export class Byte {
  readonly value: bigint;

  constructor(value: number) {
    this.value = BigInt(value);
  }
}

/** The data of a template: a Go struct. Its fields are known by name, its methods are not supported. */
export class Fields {
  readonly values: ReadonlyMap<string, Value>;

  constructor(values: ReadonlyMap<string, Value>) {
    this.values = values;
  }
}

/** bigint is Go's int; undefined is Go's nil and the value of a key that a map does not have. */
export type Value =
  | string
  | boolean
  | bigint
  | Byte
  | readonly string[]
  | ReadonlyMap<string, string>
  | Fields
  | undefined;

export type Kind = 'string' | 'bool' | 'int' | 'byte' | 'list' | 'map' | 'struct' | 'nil';

export function kindOf(value: Value): Kind {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int';
  if (value === undefined) return 'nil';
  if (value instanceof Byte) return 'byte';
  if (value instanceof Fields) return 'struct';
  return isList(value) ? 'list' : 'map';
}

export function isList(value: Value): value is readonly string[] {
  return Array.isArray(value);
}

export function isMap(value: Value): value is ReadonlyMap<string, string> {
  return value instanceof Map;
}

/** Returns the number that Go would compare and index by. */
export function integerOf(value: Value): bigint | undefined {
  if (value instanceof Byte) return value.value;
  return typeof value === 'bigint' ? value : undefined;
}

/** Reports whether Go's templates take the value for true. */
export function isTrue(value: Value): boolean {
  if (typeof value === 'string' || isList(value)) return value.length > 0;
  if (isMap(value)) return value.size > 0;
  if (value instanceof Byte) return value.value !== 0n;
  if (typeof value === 'bigint') return value !== 0n;
  return value !== undefined && value !== false;
}

/** Returns the names that Go's error texts have for the types. */
export function typeName(value: Value): string {
  return typeNames[kindOf(value)];
}

const typeNames: Readonly<Record<Kind, string>> = {
  string: 'string',
  bool: 'bool',
  int: 'int',
  byte: 'uint8',
  list: '[]string',
  map: 'map[string]string',
  struct: 'the data',
  nil: 'nil',
};

/** Compares as Go does: by bytes. */
export function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Returns the entries in the order in which Go prints and ranges over them. */
export function sortedEntries(map: ReadonlyMap<string, string>): readonly (readonly [string, string])[] {
  return [...map].toSorted(([a], [b]) => compareText(a, b));
}
