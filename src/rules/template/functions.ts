/** The functions of text/template. and, or and printf's checks of types are the evaluator's. */
import { TemplateError } from './error.ts';
import { sprint, sprintf, sprintln } from './printing.ts';
import { Byte, compareText, integerOf, isList, isMap, isTrue, kindOf, typeName, type Value } from './values.ts';

interface TemplateFunction {
  /** Returns the value. @throws TemplateError */
  readonly call: (args: readonly Value[]) => Value;
  /** Arguments at least. */
  readonly least: number;
  /** Arguments at most. */
  readonly most: number;
}

const any = Infinity;

/** All but and, or: they do not evaluate each argument. */
export const functions: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ['eq', { call: ([first, ...others]) => isEqual(first, others), least: 1, most: any }],
  ['ne', { call: ([a, b]) => !isEqual(a, [b]), least: 2, most: 2 }],
  ['lt', { call: ([a, b]) => isLess(a, b), least: 2, most: 2 }],
  ['le', { call: ([a, b]) => isLess(a, b) || isEqual(a, [b]), least: 2, most: 2 }],
  ['gt', { call: ([a, b]) => !(isLess(a, b) || isEqual(a, [b])), least: 2, most: 2 }],
  ['ge', { call: ([a, b]) => !isLess(a, b), least: 2, most: 2 }],
  ['not', { call: ([value]) => !isTrue(value), least: 1, most: 1 }],
  ['len', { call: ([value]) => lengthOf(value), least: 1, most: 1 }],
  ['index', { call: ([value, ...indexes]) => indexOf(value, indexes), least: 1, most: any }],
  ['slice', { call: ([value, ...indexes]) => sliceOf(value, indexes), least: 1, most: any }],
  ['print', { call: sprint, least: 0, most: any }],
  ['println', { call: sprintln, least: 0, most: any }],
  ['printf', { call: ([format, ...values]) => sprintf(textOf(format), values), least: 1, most: any }],
]);

function textOf(value: Value): string {
  if (typeof value !== 'string') throw new TemplateError(`expected string; found ${typeName(value)}`, 0);
  return value;
}

/** Go's kinds that compare with each other; the others are all one kind. */
function comparisonKind(value: Value): 'string' | 'bool' | 'number' | 'other' {
  const kind = kindOf(value);
  if (kind === 'int' || kind === 'byte') return 'number';
  return kind === 'string' || kind === 'bool' ? kind : 'other';
}

/** Reports whether the value equals one of the others. */
function isEqual(value: Value, others: readonly Value[]): boolean {
  if (others.length === 0) throw new TemplateError('missing argument for comparison', 0);
  return others.some((other) => isPairEqual(value, other));
}

function isPairEqual(a: Value, b: Value): boolean {
  const kind = comparisonKind(a);
  if (kind !== comparisonKind(b)) {
    if (a === undefined || b === undefined) return false;
    throw incompatible(a, b);
  }
  if (kind === 'number') return integerOf(a) === integerOf(b);
  if (kind !== 'other') return a === b;
  if (a === undefined || b === undefined) return a === b;
  throw new TemplateError(`non-comparable types ${typeName(a)} and ${typeName(b)}`, 0);
}

function isLess(a: Value, b: Value): boolean {
  const kind = comparisonKind(a);
  if (kind === 'other' || comparisonKind(b) === 'other') throw new TemplateError('invalid type for comparison', 0);
  if (kind !== comparisonKind(b)) throw incompatible(a, b);
  if (kind === 'bool') throw new TemplateError('invalid type for comparison', 0);
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b) < 0;
  return (integerOf(a) ?? 0n) < (integerOf(b) ?? 0n);
}

function incompatible(a: Value, b: Value): TemplateError {
  return new TemplateError(`incompatible types for comparison: ${typeName(a)} and ${typeName(b)}`, 0);
}

function lengthOf(value: Value): bigint {
  if (typeof value === 'string') return BigInt(Buffer.byteLength(value));
  if (isList(value)) return BigInt(value.length);
  if (isMap(value)) return BigInt(value.size);
  throw new TemplateError(`len of ${typeName(value)}`, 0);
}

function indexOf(start: Value, indexes: readonly Value[]): Value {
  if (start === undefined) throw new TemplateError('index of untyped nil', 0);
  let item = start;
  for (const index of indexes) {
    if (isMap(item)) {
      if (typeof index !== 'string') {
        throw new TemplateError(`index: the key is ${typeName(index)}; should be string`, 0);
      }
      // Go's zero value.
      item = item.get(index) ?? '';
    } else if (isList(item)) {
      item = item[position(index, item.length - 1)] ?? '';
    } else if (typeof item === 'string') {
      const bytes = Buffer.from(item);
      item = new Byte(bytes[position(index, bytes.length - 1)] ?? 0);
    } else throw new TemplateError(`can't index item of type ${typeName(item)}`, 0);
  }
  return item;
}

function sliceOf(value: Value, indexes: readonly Value[]): Value {
  if (typeof value !== 'string' && !isList(value)) {
    throw new TemplateError(`can't slice item of type ${typeName(value)}`, 0);
  }
  const most = typeof value === 'string' ? 2 : 3;
  if (indexes.length > most) throw new TemplateError(`too many slice indexes: ${indexes.length}`, 0);
  const length = typeof value === 'string' ? Buffer.byteLength(value) : value.length;
  const [start = 0, end = length, capacity = end] = indexes.map((index) => position(index, length));
  if (start > end || end > capacity) throw new TemplateError(`invalid slice index: ${start} > ${end}`, 0, true);
  if (typeof value !== 'string') return value.slice(start, end);
  const piece = Buffer.from(value).subarray(start, end);
  const text = piece.toString('utf8');
  // Go cuts bytes; half a character is no text.
  if (Buffer.byteLength(text) !== piece.length || !Buffer.from(text).equals(piece)) {
    throw new TemplateError('slice cuts a character', 0, true);
  }
  return text;
}

/** Returns an index of at most `last`. */
function position(index: Value, last: number): number {
  const integer = integerOf(index);
  if (integer === undefined) throw new TemplateError(`cannot index with ${typeName(index)}`, 0);
  if (integer < 0n || integer > BigInt(last)) throw new TemplateError(`index out of range: ${integer}`, 0, true);
  return Number(integer);
}
