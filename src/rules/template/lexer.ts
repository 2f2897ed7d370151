/** Splits a template into items, as Go's text/template/parse does, with the delimiters << and >>. */
import { isAlphanumeric, isPrintableAscii, isSpace } from './characters.ts';
import { TemplateError } from './error.ts';

export type ItemKind =
  | 'text'
  | 'left'
  | 'right'
  | 'space'
  | 'bool'
  | 'character'
  | 'charConstant'
  | 'assign'
  | 'declare'
  | 'dot'
  | 'field'
  | 'identifier'
  | 'keyword'
  | 'leftParen'
  | 'nil'
  | 'number'
  | 'pipe'
  | 'rawString'
  | 'rightParen'
  | 'string'
  | 'variable'
  | 'end';

export interface Item {
  readonly kind: ItemKind;
  readonly text: string;
  /** From 1. */
  readonly line: number;
}

const leftDelimiter = '<<';
const rightDelimiter = '>>';
const keywords: ReadonlySet<string> = new Set([
  'block',
  'break',
  'continue',
  'define',
  'else',
  'end',
  'if',
  'range',
  'template',
  'with',
]);

/** @throws TemplateError */
export function lex(text: string): readonly Item[] {
  const items: Item[] = [];
  const lexer = new Lexer(text, items);
  lexer.lexText();
  items.push({ kind: 'end', text: '', line: lexer.line });
  return items;
}

class Lexer {
  readonly #text: string;
  readonly #items: Item[];
  #position = 0;
  #depth = 0;
  line = 1;

  constructor(text: string, items: Item[]) {
    this.#text = text;
    this.#items = items;
  }

  /** Reads text and actions by turns. */
  lexText(): void {
    while (this.#position < this.#text.length) {
      const at = this.#text.indexOf(leftDelimiter, this.#position);
      const end = at < 0 ? this.#text.length : at;
      const piece = this.#text.slice(this.#position, end);
      const isTrimmed = at >= 0 && this.#hasLeftMarker(at + leftDelimiter.length);
      const kept = isTrimmed ? piece.slice(0, piece.length - spacesAtEnd(piece)) : piece;
      if (kept !== '') this.#push('text', kept);
      this.#advance(end);
      if (at >= 0) this.#lexLeft(isTrimmed);
    }
  }

  #lexLeft(isTrimmed: boolean): void {
    const line = this.line;
    const start = this.#position + leftDelimiter.length + (isTrimmed ? 2 : 0);
    this.#advance(start);
    if (this.#text.startsWith('/*', start)) {
      this.#lexComment(start);
      return;
    }
    this.#items.push({ kind: 'left', text: leftDelimiter, line });
    this.#depth = 0;
    while (!this.#lexAction());
  }

  #lexComment(start: number): void {
    const end = this.#text.indexOf('*/', start + 2);
    if (end < 0) throw this.#error('unclosed comment');
    this.#advance(end + 2);
    if (!this.#lexRight(false)) throw this.#error('comment ends before closing delimiter');
  }

  /** Reads a right delimiter, if there is one, and the spaces that its trim marker removes. */
  #lexRight(isItem: boolean): boolean {
    const at = this.#position;
    const isTrimmed = this.#hasTrimmedRight(at);
    if (!isTrimmed && !this.#text.startsWith(rightDelimiter, at)) return false;
    if (isItem) this.#push('right', rightDelimiter);
    this.#advance(at + rightDelimiter.length + (isTrimmed ? 2 : 0));
    if (isTrimmed) this.#advance(this.#position + spacesAtStart(this.#text.slice(this.#position)));
    return true;
  }

  /** Reads one item of an action. Reports whether it was the right delimiter. */
  #lexAction(): boolean {
    if (this.#isAtRight()) {
      if (this.#depth > 0) throw this.#error('unclosed left paren');
      return this.#lexRight(true);
    }
    const character = this.#peek();
    if (character === '') throw this.#error('unclosed action');
    if (isSpace(character)) return this.#lexSpace();
    const single = singles.get(character);
    if (single !== undefined) this.#lexSingle(single, character);
    else if (character === ':') this.#lexDeclare();
    else if (character === '"') this.#lexQuoted('"', 'string', 'unterminated quoted string');
    else if (character === "'") this.#lexQuoted("'", 'charConstant', 'unterminated character constant');
    else if (character === '`') this.#lexRaw();
    else if (character === '$' || (character === '.' && !/^\d/.test(this.#peek(1))))
      this.#lexFieldOrVariable(character);
    else if (/^[-+.\d]/.test(character)) this.#lexNumber();
    else if (isAlphanumeric(character)) this.#lexIdentifier();
    else if (isPrintableAscii(character)) this.#take('character', character.length);
    else throw this.#error(`unrecognized character in action: ${codePoint(character)}`);
    return false;
  }

  #lexSingle(kind: ItemKind, character: string): void {
    if (kind === 'leftParen') this.#depth += 1;
    if (kind === 'rightParen') this.#depth -= 1;
    if (this.#depth < 0) throw this.#error('unexpected right paren');
    this.#take(kind, character.length);
  }

  /** Leaves the last space to a trim marker behind it. */
  #lexSpace(): boolean {
    let count = spacesAtStart(this.#text.slice(this.#position));
    const last = this.#position + count - 1;
    if (this.#hasTrimmedRight(last)) count -= 1;
    if (count > 0) this.#take('space', count);
    return false;
  }

  #lexDeclare(): void {
    if (this.#peek(1) !== '=') throw this.#error('expected :=');
    this.#take('declare', 2);
  }

  #lexQuoted(quote: string, kind: ItemKind, problem: string): void {
    let at = this.#position + 1;
    for (;;) {
      const character = this.#text[at];
      const escaped = character === '\\' ? this.#text[at + 1] : 'x';
      if (character === undefined || character === '\n' || escaped === undefined || escaped === '\n') {
        throw this.#error(problem);
      }
      if (character === quote) break;
      at += character === '\\' ? 2 : 1;
    }
    this.#take(kind, at + 1 - this.#position);
  }

  #lexRaw(): void {
    const end = this.#text.indexOf('`', this.#position + 1);
    if (end < 0) throw this.#error('unterminated raw quoted string');
    this.#take('rawString', end + 1 - this.#position);
  }

  #lexFieldOrVariable(start: string): void {
    const length = 1 + this.#alphanumericsAt(this.#position + 1);
    this.#expectTerminator(this.#position + length);
    if (start === '$') this.#take('variable', length);
    else this.#take(length === 1 ? 'dot' : 'field', length);
  }

  #lexNumber(): void {
    let end = this.#position;
    while (end < this.#text.length) {
      const character = this.#text[end] ?? '';
      const before = this.#text[end - 1] ?? '';
      const isSign = (character === '+' || character === '-') && (end === this.#position || /[eEpP]/.test(before));
      if (!isSign && character !== '.' && !isAlphanumeric(character)) break;
      end += 1;
    }
    this.#take('number', end - this.#position);
  }

  #lexIdentifier(): void {
    const length = this.#alphanumericsAt(this.#position);
    this.#expectTerminator(this.#position + length);
    const word = this.#text.slice(this.#position, this.#position + length);
    if (keywords.has(word)) this.#take('keyword', length);
    else if (word === 'nil') this.#take('nil', length);
    else this.#take(word === 'true' || word === 'false' ? 'bool' : 'identifier', length);
  }

  #alphanumericsAt(start: number): number {
    let at = start;
    for (const character of iterate(this.#text, start)) {
      if (!isAlphanumeric(character)) break;
      at += character.length;
    }
    return at - start;
  }

  /** Rejects what may not follow a name, as Go does: $x+2. */
  #expectTerminator(at: number): void {
    const character = characterAt(this.#text, at);
    if (character === '' || isSpace(character) || '.,|:)('.includes(character)) return;
    if (!this.#text.startsWith(rightDelimiter, at)) throw this.#error(`bad character ${codePoint(character)}`);
  }

  #isAtRight(): boolean {
    const at = this.#position;
    return this.#text.startsWith(rightDelimiter, at) || this.#hasTrimmedRight(at);
  }

  #hasLeftMarker(at: number): boolean {
    return this.#text[at] === '-' && isSpace(this.#text[at + 1] ?? '');
  }

  /** Reports whether a trim marker and the right delimiter are there. */
  #hasTrimmedRight(at: number): boolean {
    return isSpace(this.#text[at] ?? '') && this.#text.startsWith(`-${rightDelimiter}`, at + 1);
  }

  /** Returns the character at an offset in UTF-16 units; empty at the end. */
  #peek(offset = 0): string {
    return characterAt(this.#text, this.#position + offset);
  }

  #take(kind: ItemKind, length: number): void {
    this.#push(kind, this.#text.slice(this.#position, this.#position + length));
    this.#advance(this.#position + length);
  }

  #push(kind: ItemKind, text: string): void {
    this.#items.push({ kind, text, line: this.line });
  }

  #advance(to: number): void {
    for (let at = this.#position; at < to; at += 1) if (this.#text[at] === '\n') this.line += 1;
    this.#position = to;
  }

  #error(problem: string): TemplateError {
    return new TemplateError(problem, this.line);
  }
}

const singles: ReadonlyMap<string, ItemKind> = new Map<string, ItemKind>([
  ['=', 'assign'],
  ['|', 'pipe'],
  ['(', 'leftParen'],
  [')', 'rightParen'],
]);

function characterAt(text: string, at: number): string {
  const code = text.codePointAt(at);
  return code === undefined ? '' : String.fromCodePoint(code);
}

function* iterate(text: string, start: number): Generator<string> {
  for (let at = start; at < text.length; ) {
    const character = characterAt(text, at);
    yield character;
    at += character.length;
  }
}

function spacesAtStart(text: string): number {
  let count = 0;
  while (isSpace(text[count] ?? '')) count += 1;
  return count;
}

function spacesAtEnd(text: string): number {
  let count = 0;
  while (isSpace(text[text.length - 1 - count] ?? '')) count += 1;
  return count;
}

function codePoint(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  return isPrintableAscii(character) ? `${name} '${character}'` : name;
}
