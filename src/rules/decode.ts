/** Decodes YAML as Go's yaml.v2 UnmarshalStrict does, and keeps the lines of what it read. */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { distance } from 'fastest-levenshtein';
import { type RuleProblem, RulesError } from './problem.ts';

/** Characters. A ConfigMap holds 1 MiB at most. */
export const fileLengthLimit = 1_048_576;

/** Nodes that are decoded, those behind aliases each time: an alias of aliases grows exponentially. */
export const nodeLimit = 100_000;

/** Problems that are collected before decoding stops. */
export const problemLimit = 50;

type YamlNode = Scalar | YAMLMap | YAMLSeq | Alias;

/** Reads a node; null for none. Returns undefined for YAML's null, Go's zero value. */
export type YamlDecoder<T> = (node: YamlNode | null, path: string, reader: Reader) => T | undefined;

export interface Decoded<T> {
  /** Undefined for an empty file. */
  readonly value: T | undefined;
  /** Returns the line of a path, or of what encloses it. */
  readonly lineOf: (path: string) => number;
  /** Readable parts that will surprise. */
  readonly notes: readonly RuleProblem[];
}

/** @throws RulesError with every problem. */
export function decodeYaml<T>(text: string, decoder: YamlDecoder<T>): Decoded<T> {
  if (text.length > fileLengthLimit) {
    const problem = `the file has ${text.length} characters, the limit is ${fileLengthLimit}`;
    throw new RulesError([{ line: 1, path: '', problem, remedy: 'split it over several servers' }]);
  }
  const lines = new LineCounter();
  const documents = parseYaml(text, lines);
  const [document] = documents;
  const reader = new Reader(document, lines);
  const errors = document?.errors ?? [];
  if (errors.some(({ message }) => /call stack|stack overflow/i.test(message))) throw tooDeep();
  for (const { pos, message, code } of errors) {
    reader.problems.push({
      line: lines.linePos(pos[0]).line,
      path: '',
      problem: message.replaceAll('\n', ' '),
      remedy: yamlRemedies.get(code) ?? 'correct the YAML',
    });
  }
  if (reader.problems.length > 0) throw new RulesError(reader.problems);
  const value = document === undefined ? undefined : decoder(document.contents, '', reader);
  if (reader.problems.length > 0) throw new RulesError(reader.problems);
  const notes: RuleProblem[] = [];
  if (documents[1] !== undefined) {
    const line = reader.lineOfNode(documents[1]) ?? 1;
    notes.push({ line, path: '', problem: 'only the first YAML document is read', remedy: 'remove the others' });
  }
  return { value, lineOf: (path) => reader.lineOf(path), notes };
}

const yamlRemedies: ReadonlyMap<string, string> = new Map([
  ['TAB_AS_INDENT', 'indent with spaces'],
  ['UNEXPECTED_TOKEN', 'a text with quotes in it needs the other quotes around it'],
]);

/** @throws RulesError for a text that the parser's recursion cannot hold. */
function parseYaml(text: string, lineCounter: LineCounter): readonly Document[] {
  try {
    // The failsafe schema leaves scalars as text: which of them is a boolean or null is decided as yaml.v2 does.
    return parseAllDocuments(text, {
      schema: 'failsafe',
      merge: false,
      prettyErrors: false,
      uniqueKeys: false,
      lineCounter,
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw tooDeep();
  }
}

/** The parser makes the same of some errors of the stack as of wrong syntax. */
function tooDeep(): RulesError {
  return new RulesError([{ line: 1, path: '', problem: 'the YAML is nested too deeply', remedy: 'correct the YAML' }]);
}

/** State that the decoders of one file share. */
export class Reader {
  readonly problems: RuleProblem[] = [];
  readonly #document: Document | undefined;
  readonly #counter: LineCounter;
  readonly #lines = new Map<string, number>();
  #nodes = 0;

  constructor(document: Document | undefined, counter: LineCounter) {
    this.#document = document;
    this.#counter = counter;
  }

  /** Follows aliases, and notes the line. @throws RulesError */
  enter(node: YamlNode | null, path: string): Scalar | YAMLMap | YAMLSeq | null {
    this.#nodes += 1;
    const line = this.lineOfNode(node) ?? this.lineOf(path);
    if (!this.#lines.has(path)) this.#lines.set(path, line);
    if (this.#nodes > nodeLimit) {
      const problem = `more than ${nodeLimit} nodes`;
      throw new RulesError([{ line, path, problem, remedy: 'use fewer aliases' }]);
    }
    const target = isAlias(node) && this.#document !== undefined ? node.resolve(this.#document) : node;
    if (target === undefined) this.add(path, 'the alias has no anchor', 'define the anchor before it is used');
    const tag = target?.tag?.replace('tag:yaml.org,2002:', '!!');
    if (tag !== undefined && !allowedTags.has(tag)) this.add(path, `the tag ${tag} is not supported`, 'remove the tag');
    return (target as Scalar | YAMLMap | YAMLSeq | null | undefined) ?? null;
  }

  noteLine(path: string, node: unknown): void {
    const line = this.lineOfNode(node);
    if (line !== undefined) this.#lines.set(path, line);
  }

  lineOfNode(node: unknown): number | undefined {
    const range = (node as { readonly range?: readonly number[] | null } | null)?.range;
    return range?.[0] === undefined ? undefined : this.#counter.linePos(range[0]).line;
  }

  lineOf(path: string): number {
    for (let at = path; at !== ''; at = parentOf(at)) {
      const line = this.#lines.get(at);
      if (line !== undefined) return line;
    }
    return this.#lines.get('') ?? 1;
  }

  /** @throws RulesError if there are too many. */
  add(path: string, problem: string, remedy: string): void {
    this.problems.push({ line: this.lineOf(path), path, problem, remedy });
    if (this.problems.length >= problemLimit) throw new RulesError(this.problems);
  }
}

const allowedTags: ReadonlySet<string> = new Set(['!!str', '!!map', '!!seq']);

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('.'), path.lastIndexOf('['), 0));
}

/** YAML 1.1's words, as yaml.v2 reads them. */
const nulls: ReadonlySet<string> = new Set(['', '~', 'null', 'Null', 'NULL']);
const trues = ['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'];
const falses = ['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'];
const booleans: ReadonlyMap<string, boolean> = new Map([
  ...trues.map((word) => [word, true] as const),
  ...falses.map((word) => [word, false] as const),
]);

function isNull(node: Scalar | YAMLMap | YAMLSeq | null): boolean {
  return node === null || (isScalar(node) && isPlain(node) && nulls.has(textOf(node)));
}

function isPlain(node: Scalar): boolean {
  return node.type === 'PLAIN' && node.tag === undefined;
}

/** Returns the text behind quotes and folds. */
function textOf(node: Scalar): string {
  return node.source ?? (typeof node.value === 'string' ? node.value : '');
}

function kindOf(node: Scalar | YAMLMap | YAMLSeq | null): string {
  if (isMap(node)) return 'a mapping';
  if (isSeq(node)) return 'a list';
  return isScalar(node) ? `"${textOf(node).slice(0, 40)}"` : 'nothing';
}

/** Reads any scalar; numbers and booleans are text, too. */
export const text: YamlDecoder<string> = (raw, path, reader) => {
  const node = reader.enter(raw, path);
  if (isNull(node)) return undefined;
  if (isScalar(node)) return textOf(node);
  reader.add(path, `must be text, but is ${kindOf(node)}`, 'write a text, in quotes if it begins with { or [');
  return undefined;
};

/** Reads true, yes, on and y, and their opposites, without quotes. */
export const boolean: YamlDecoder<boolean> = (raw, path, reader) => {
  const node = reader.enter(raw, path);
  if (isNull(node)) return undefined;
  const value = isScalar(node) && isPlain(node) ? booleans.get(textOf(node)) : undefined;
  if (value === undefined) reader.add(path, `must be true or false, but is ${kindOf(node)}`, 'write it without quotes');
  return value;
};

export function list<T>(item: YamlDecoder<T>): YamlDecoder<readonly (T | undefined)[]> {
  return (raw, path, reader) => {
    const node = reader.enter(raw, path);
    if (isNull(node)) return undefined;
    if (isSeq(node)) return node.items.map((each, index) => item(each as YamlNode, `${path}[${index}]`, reader));
    reader.add(path, `must be a list, but is ${kindOf(node)}`, 'begin each item with "- "');
    return undefined;
  };
}

/** Reads a mapping with keys of the file's choice, in its order. */
export function mapOf<T>(item: YamlDecoder<T>): YamlDecoder<ReadonlyMap<string, T | undefined>> {
  return (raw, path, reader) => {
    const values = new Map<string, T | undefined>();
    const isRead = eachPair(raw, path, reader, (key, value, at) => {
      values.set(key, item(value, at, reader));
    });
    return isRead ? values : undefined;
  };
}

type StructFields<T> = { readonly [Name in keyof T]-?: YamlDecoder<NonNullable<T[Name]>> };

/** Reads a mapping with known keys. */
export function struct<T extends object>(fields: StructFields<T>): YamlDecoder<T> {
  const known = Object.keys(fields);
  return (raw, path, reader) => {
    const values: Record<string, unknown> = {};
    const isRead = eachPair(raw, path, reader, (key, value, at) => {
      if (Object.hasOwn(fields, key)) values[key] = fields[key as keyof T](value, at, reader);
      else reader.add(at, `unknown key ${key.slice(0, 40)}`, suggestion(key, known));
    });
    return isRead ? (values as T) : undefined;
  };
}

function suggestion(key: string, known: readonly string[]): string {
  const nearest = known.toSorted((a, b) => distance(key, a) - distance(key, b))[0];
  if (nearest !== undefined && distance(key, nearest) <= key.length / 2) return `did you mean ${nearest}?`;
  return `there are ${known.join(', ')}`;
}

/** Visits the pairs of a mapping, those of merges (`<<: *other`) in their place. Reports whether there is a mapping. */
function eachPair(
  raw: YamlNode | null,
  path: string,
  reader: Reader,
  visit: (key: string, value: YamlNode | null, path: string) => void,
): boolean {
  const node = reader.enter(raw, path);
  if (isNull(node)) return false;
  if (!isMap(node)) {
    reader.add(path, `must be a mapping, but is ${kindOf(node)}`, 'write keys and values');
    return false;
  }
  const seen = new Set<string>();
  for (const { key: rawKey, value } of node.items as Pair<YamlNode, YamlNode | null>[]) {
    const key = reader.enter(rawKey, `${path}.`);
    if (!isScalar(key)) {
      reader.add(path, `a key is ${kindOf(key)}`, 'use a text as the key');
      continue;
    }
    const name = textOf(key);
    if (isPlain(key) && name === '<<') {
      merge(value, path, reader, visit);
      continue;
    }
    const at = path === '' ? name : `${path}.${name}`;
    reader.noteLine(at, rawKey);
    if (seen.has(name)) reader.add(at, `the key ${name.slice(0, 40)} is there twice`, 'remove one of them');
    seen.add(name);
    visit(name, value, at);
  }
  return true;
}

/** In a list of merges the earlier ones win. */
function merge(
  raw: YamlNode | null,
  path: string,
  reader: Reader,
  visit: (key: string, value: YamlNode | null, path: string) => void,
): void {
  const node = reader.enter(raw, path);
  if (isSeq(node)) {
    for (const each of (node.items as YamlNode[]).toReversed()) eachPair(each, path, reader, visit);
  } else if (isMap(node)) eachPair(node, path, reader, visit);
  else reader.add(path, `a merge (<<) needs a mapping, but is ${kindOf(node)}`, 'merge an alias of a mapping');
}
