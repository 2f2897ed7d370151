/** Writes JSON values as protobuf messages; tables list fields in the order of the wire. */

/** Throws where the value does not fit the table, a mistake in the table. */
export type Encoder = (value: unknown) => Buffer;

interface FieldDefinition {
  readonly number: number;
  readonly encode: Encoder | 'flag';
  readonly repeated: boolean;
}

export const one = (number: number, encode: Encoder = text): FieldDefinition => ({ number, encode, repeated: false });
export const each = (number: number, encode: Encoder = text): FieldDefinition => ({ number, encode, repeated: true });
export const flag = (number: number): FieldDefinition => ({ number, encode: 'flag', repeated: false });

export function text(value: unknown): Buffer {
  if (typeof value !== 'string') throw new TypeError(`${JSON.stringify(value)} should be a text`);
  return Buffer.from(value);
}

/** @param extensions number of the field for keys that start with x-. */
export function message(fields: Readonly<Record<string, FieldDefinition>>, extensions: number): Encoder {
  return (value) => {
    const entries = entriesOf(value);
    const object = new Map(entries);
    const isExtension = ([key]: readonly [string, unknown]): boolean => key.startsWith('x-');
    const unknown = entries.find((entry) => !isExtension(entry) && !Object.hasOwn(fields, entry[0]));
    if (unknown !== undefined) throw new TypeError(`the table of the message does not know ${unknown[0]}`);
    const known = Object.entries(fields).filter(([key]) => object.has(key));
    return Buffer.concat([
      ...known.map(([key, field]) => writeField(field, object.get(key))),
      named(extensions, anyYaml)(Object.fromEntries(entries.filter(isExtension))),
    ]);
  };
}

/** Encodes a map: one repeated field of names and values. */
export function named(number: number, encode: Encoder): Encoder {
  const entry = (name: string, value: unknown): Buffer =>
    Buffer.concat([bytesField(1, text(name)), bytesField(2, encode(value))]);
  return (object) => Buffer.concat(entriesOf(object).map(([name, value]) => bytesField(number, entry(name, value))));
}

/** Encodes a message with one field; several with different numbers are a choice. */
export function wrapped(number: number, encode: Encoder): Encoder {
  return (value) => bytesField(number, encode(value));
}

/** Encodes a boolean in a choice, where false is written too. */
export function wrappedFlag(number: number): Encoder {
  return (value) => Buffer.concat([varint(number << 3), varint(value === true ? 1 : 0)]);
}

/** Omits undefined members, as JSON does. */
export function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${JSON.stringify(value)} should be an object`);
  return Object.entries(value).filter(([, member]) => member !== undefined);
}

function writeField({ number, encode, repeated }: FieldDefinition, value: unknown): Buffer {
  if (encode === 'flag') return value === true ? wrappedFlag(number)(value) : Buffer.alloc(0);
  if (!repeated) return bytesField(number, encode(value));
  return Buffer.concat(entriesOf(value).map(([, item]) => bytesField(number, encode(item))));
}

function bytesField(number: number, bytes: Buffer): Buffer {
  const lengthDelimited = 2;
  return Buffer.concat([varint((number << 3) | lengthDelimited), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** Values without a message of their own are YAML in a message Any. */
const anyYaml: Encoder = (value) => bytesField(2, Buffer.from(yaml(value)));

/** Extensions have only text, lists and objects, and their texts need no quotes. */
function yaml(value: unknown): string {
  if (typeof value === 'string') return value === '' ? '""\n' : `${value}\n`;
  if (Array.isArray(value)) return value.map((item) => `- ${yaml(item).replaceAll(/\n(?=.)/g, '\n  ')}`).join('');
  return entriesOf(value)
    .map(([key, member]) => `${key}: ${yaml(member)}`)
    .join('');
}
