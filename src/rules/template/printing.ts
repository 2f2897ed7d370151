/** Go's fmt for the values of a template: Sprint, and Sprintf with the verbs that queries use. */
import { quoteWhole } from '../../apimachinery/quote.ts';
import { TemplateError, outputLimit } from './error.ts';
import { Byte, Fields, integerOf, isList, isMap, sortedEntries, typeName, type Value } from './values.ts';

/** Formats as %v does. @throws TemplateError for the data as a whole. */
export function formatValue(value: Value): string {
  if (value === undefined) return '<nil>';
  if (isList(value)) return `[${value.join(' ')}]`;
  if (isMap(value))
    return `map[${sortedEntries(value)
      .map(([key, text]) => `${key}:${text}`)
      .join(' ')}]`;
  if (value instanceof Fields) throw new TemplateError('the data as a whole cannot be printed; name a field', 0);
  return value instanceof Byte ? String(value.value) : String(value);
}

/** Puts spaces between operands if neither is a string. */
export function sprint(values: readonly Value[]): string {
  let text = '';
  for (const [index, value] of values.entries()) {
    const isSeparated = index > 0 && typeof value !== 'string' && typeof values[index - 1] !== 'string';
    text += `${isSeparated ? ' ' : ''}${formatValue(value)}`;
  }
  return text;
}

export function sprintln(values: readonly Value[]): string {
  return `${values.map(formatValue).join(' ')}\n`;
}

/** Characters that a width or a precision may ask for. */
const widthLimit = 1_000;

/**
 * Formats as Sprintf. Where Go would write `%!d(string=x)` or `%!(EXTRA ...)` into the query, it fails.
 * @throws TemplateError
 */
export function sprintf(format: string, values: readonly Value[]): string {
  let text = '';
  let used = 0;
  let end = 0;
  for (const { 0: whole, 1: flags = '', 2: width = '', 3: precision, 4: verb = '', index } of format.matchAll(
    directive,
  )) {
    text += format.slice(end, index);
    end = index + whole.length;
    if (verb === '%' && whole === '%%') {
      text += '%';
      continue;
    }
    if (!verbs.has(verb)) throw new TemplateError(`printf "${whole}": use %s %v %q %d %x %X %c %t or %%`, 0);
    if (/[+# ]/.test(flags)) throw new TemplateError(`printf "${whole}": only the flags - and 0 are supported`, 0);
    if (used >= values.length) throw new TemplateError(`printf "${whole}": an argument is missing`, 0);
    text += pad(formatVerb(verb, values[used], precision?.slice(1), whole), flags, Number(width), verb, values[used]);
    used += 1;
    if (text.length > outputLimit) throw new TemplateError(`printf writes more than ${outputLimit} characters`, 0);
  }
  text += format.slice(end);
  if (format.slice(end).includes('%')) throw new TemplateError('printf: a % is not followed by a verb', 0);
  if (used < values.length) throw new TemplateError(`printf: ${values.length - used} arguments have no verb`, 0);
  return text;
}

const directive = /%([-+# 0]*)(\d{0,9})(\.\d{0,9})?([^-+# 0\d.])/gsu;
const verbs: ReadonlySet<string> = new Set(['s', 'v', 'q', 'd', 'x', 'X', 'c', 't']);

function formatVerb(verb: string, value: Value, precision: string | undefined, whole: string): string {
  const mismatch = () => new TemplateError(`printf "${whole}" cannot format ${typeName(value)}`, 0);
  const integer = integerOf(value);
  if (precision !== undefined && (integer !== undefined || verb === 'x' || verb === 'X')) {
    throw new TemplateError(`printf "${whole}": a precision is supported for text only`, 0);
  }
  const cut = (text: string) =>
    precision === undefined ? text : Array.from(text).slice(0, checkedWidth(precision, whole)).join('');
  if (isList(value) || isMap(value)) {
    if (verb !== 's' && verb !== 'v' && verb !== 'q') throw mismatch();
    if (precision !== undefined) throw mismatch();
    return verb === 'q' ? quotedItems(value) : formatValue(value);
  }
  if (typeof value === 'string') return formatText(verb, cut(value), mismatch);
  if (integer !== undefined) return formatInteger(verb, integer, mismatch);
  if (typeof value === 'boolean' && (verb === 'v' || verb === 't') && precision === undefined) return String(value);
  if (value === undefined && verb === 'v' && precision === undefined) return '<nil>';
  throw mismatch();
}

function formatText(verb: string, text: string, mismatch: () => TemplateError): string {
  if (verb === 's' || verb === 'v') return text;
  if (verb === 'q') return quoteWhole(text);
  if (verb !== 'x' && verb !== 'X') throw mismatch();
  const hex = Buffer.from(text).toString('hex');
  return verb === 'x' ? hex : hex.toUpperCase();
}

function formatInteger(verb: string, integer: bigint, mismatch: () => TemplateError): string {
  if (verb === 'd' || verb === 'v') return String(integer);
  if (verb === 'x') return integer.toString(16);
  if (verb === 'X') return integer.toString(16).toUpperCase();
  if (verb !== 'c') throw mismatch();
  const isCharacter = integer >= 0n && integer <= 0x10ffffn && (integer < 0xd800n || integer > 0xdfffn);
  return isCharacter ? String.fromCodePoint(Number(integer)) : '\ufffd';
}

function quotedItems(value: readonly string[] | ReadonlyMap<string, string>): string {
  if (isList(value)) return `[${value.map(quoteWhole).join(' ')}]`;
  const entries = sortedEntries(value).map(([key, text]) => `${quoteWhole(key)}:${quoteWhole(text)}`);
  return `map[${entries.join(' ')}]`;
}

/** Pads by characters. Zeros go behind a sign. */
function pad(text: string, flags: string, width: number, verb: string, value: Value): string {
  const missing = checkedWidth(String(width), `%${width}${verb}`) - Array.from(text).length;
  if (missing <= 0) return text;
  if (isList(value) || isMap(value)) throw new TemplateError('printf: a width of a list or map is not supported', 0);
  if (flags.includes('-')) return text + ' '.repeat(missing);
  if (!flags.includes('0')) return ' '.repeat(missing) + text;
  if (integerOf(value) === undefined || verb === 'c') {
    throw new TemplateError('printf: the flag 0 is supported for whole numbers only', 0);
  }
  const sign = text.startsWith('-') ? '-' : '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}

function checkedWidth(digits: string, whole: string): number {
  const width = Number(digits);
  if (width > widthLimit) throw new TemplateError(`printf "${whole}": at most ${widthLimit} characters`, 0);
  return width;
}
