/**
 * Writes YAML as sigs.k8s.io/yaml: sorted keys, sequences not indented, quotes where YAML 1.1 would read another type
 * (a label `yes`). Lines are not folded: only messages are long enough.
 */
import { Document, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';

/** Takes what encodeJson takes. */
export function encodeYaml(value: object): Buffer {
  const document = new Document(toNode(value));
  return Buffer.from(document.toString({ lineWidth: 0, indentSeq: false }));
}

function toNode(value: unknown): Scalar | YAMLMap | YAMLSeq {
  if (typeof value === 'string') return toScalar(value);
  if (typeof value !== 'object' || value === null) return new Scalar(value);
  if (Array.isArray(value)) {
    const sequence = new YAMLSeq();
    for (const item of value) sequence.add(toNode(item));
    return sequence;
  }
  const map = new YAMLMap();
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  for (const [key, member] of entries.sort(([a], [b]) => compareKeys(String(a), String(b)))) {
    if (member !== undefined) map.add(new Pair(toScalar(String(key)), toNode(member)));
  }
  return map;
}

function toScalar(text: string): Scalar {
  const scalar = new Scalar(text);
  if (text.includes('\n')) scalar.type = Scalar.BLOCK_LITERAL;
  else if (unprintable.test(text) || resolvesToOtherType(text)) scalar.type = Scalar.QUOTE_DOUBLE;
  else scalar.type = notPlain.test(text) ? Scalar.QUOTE_SINGLE : Scalar.PLAIN;
  return scalar;
}

const unprintable = /[^ -~\u0085\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u;

/** Text that YAML reads as structure. */
const notPlain = /^(?:[#,[\]{}&*!|>'"%@`\s]|[?:-](?:\s|$)|---|\.\.\.)|:(?:\s|$)|\s#|\s$/;

/** As go.yaml.in/yaml/v2 resolves it. */
function resolvesToOtherType(text: string): boolean {
  if (words.has(text)) return true;
  if (!/^[-+.0-9]/.test(text)) return false;
  if (time.test(text) || base60.test(text)) return true;
  const number = text.replaceAll('_', '');
  return integer.test(number) || float.test(number);
}

const words: ReadonlySet<string> = new Set(
  [
    ['', '~', '<<', 'null', 'Null', 'NULL'],
    ['y', 'Y', 'yes', 'Yes', 'YES', 'on', 'On', 'ON', 'true', 'True', 'TRUE'],
    ['n', 'N', 'no', 'No', 'NO', 'off', 'Off', 'OFF', 'false', 'False', 'FALSE'],
    ['.nan', '.NaN', '.NAN', '.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF', '-.inf', '-.Inf', '-.INF'],
  ].flat(),
);
const integer = /^[-+]?(?:0x[0-9a-f]+|0b[01]+|0o?[0-7]+|0|[1-9][0-9]*)$/i;
const float = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:e[-+]?[0-9]+)?$/i;
const base60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;
const time =
  /^\d{4}-\d{1,2}-\d{1,2}(?:(?:[Tt]\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?:Z|[-+]\d\d:\d\d))|(?: \d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?))?$/;

/** As go.yaml.in: numbers by value, other characters before letters. */
function compareKeys(a: string, b: string): number {
  const left = Array.from(a);
  const right = Array.from(b);
  const at = left.findIndex((character, index) => character !== right[index]);
  if (at === -1 || at >= right.length) return left.length - right.length;
  const [x = '', y = ''] = [left[at], right[at]];
  const xIsLetter = /\p{L}/u.test(x);
  const yIsLetter = /\p{L}/u.test(y);
  if (xIsLetter !== yIsLetter) return xIsLetter ? 1 : -1;
  if (!xIsLetter) {
    const leading = x === '0' || y === '0' ? leadingDigits(left, at) : '';
    const byValue = numberAt(left, at, leading) - numberAt(right, at, leading);
    if (byValue !== 0) return byValue;
    const byLength = digitsAt(left, at).length - digitsAt(right, at).length;
    if (byLength !== 0) return byLength;
  }
  return (x.codePointAt(0) ?? 0) - (y.codePointAt(0) ?? 0);
}

/** Returns `1` if the shared number up to here is not zero: then a following zero counts. */
function leadingDigits(characters: readonly string[], at: number): string {
  let first = at;
  while (/^[0-9]$/.test(characters[first - 1] ?? '')) first -= 1;
  return characters.slice(first, at).some((digit) => digit !== '0') ? '1' : '';
}

function numberAt(characters: readonly string[], at: number, leading: string): number {
  return Number(leading + digitsAt(characters, at) || 0);
}

function digitsAt(characters: readonly string[], at: number): string {
  return /^[0-9]*/.exec(characters.slice(at).join(''))?.[0] ?? '';
}
