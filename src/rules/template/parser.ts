/** Parses a template, as Go's text/template/parse does. */
import { parseNumber, unquoteCharacter, unquoteString } from './constants.ts';
import { nestingLimit, TemplateError, templateLengthLimit } from './error.ts';
import { functionNames, unsupportedFunctions } from './functionnames.ts';
import { type Item, type ItemKind, lex } from './lexer.ts';
import type { Command, TemplateNode, Operand, Pipeline } from './nodes.ts';

/** @throws TemplateError */
export function parse(text: string): readonly TemplateNode[] {
  if (text.length > templateLengthLimit) {
    throw new TemplateError(`template of ${text.length} characters: at most ${templateLengthLimit} are read`, 0);
  }
  return new Parser(lex(text)).parse();
}

/** Keywords of templates that call each other, which no query needs. */
const unsupportedKeywords: ReadonlySet<string> = new Set(['block', 'define', 'template']);

type Context = 'if' | 'with' | 'range' | 'command' | 'parenthesized pipeline';

class Parser {
  readonly #items: readonly Item[];
  #at = 0;
  /** Names of variables, the innermost last. `$` is the data. */
  #variables: string[] = ['$'];
  #ranges = 0;
  #nesting = 0;

  constructor(items: readonly Item[]) {
    this.#items = items;
  }

  parse(): readonly TemplateNode[] {
    const { nodes, ending } = this.#list();
    if (ending.kind === 'keyword') throw problem(`unexpected <<${ending.text}>>`, ending);
    return nodes;
  }

  /** Reads to the end, or to an `end` or `else`, which is returned as the ending. */
  #list(): { readonly nodes: readonly TemplateNode[]; readonly ending: Item } {
    const nodes: TemplateNode[] = [];
    for (;;) {
      const item = this.#nextNonSpace();
      if (item.kind === 'end') return { nodes, ending: item };
      if (item.kind === 'text') {
        nodes.push({ kind: 'text', text: item.text, line: item.line });
        continue;
      }
      const first = this.#peekNonSpace();
      if (first.kind === 'keyword' && (first.text === 'end' || first.text === 'else')) {
        this.#nextNonSpace();
        return { nodes, ending: first };
      }
      nodes.push(this.#action(first));
    }
  }

  #action(first: Item): TemplateNode {
    if (first.kind !== 'keyword') {
      // Variables stay until the next end.
      return { kind: 'action', pipeline: this.#pipeline('command', 'right'), line: first.line };
    }
    this.#nextNonSpace();
    if (first.text === 'if' || first.text === 'with' || first.text === 'range') {
      return this.#control(first.text, first.line);
    }
    if (unsupportedKeywords.has(first.text)) throw problem(`<<${first.text}>> is not supported`, first);
    this.#expect('right', `<<${first.text}>>`);
    if (this.#ranges === 0) throw problem(`<<${first.text}>> outside <<range>>`, first);
    return { kind: first.text === 'break' ? 'break' : 'continue', line: first.line };
  }

  #control(kind: 'if' | 'with' | 'range', line: number): TemplateNode {
    return this.#nested(() => {
      const mark = this.#variables.length;
      const pipeline = this.#pipeline(kind, 'right');
      if (kind === 'range') this.#ranges += 1;
      const { nodes: body, ending } = this.#list();
      if (kind === 'range') this.#ranges -= 1;
      const otherwise = this.#otherwise(kind, ending);
      this.#variables.length = mark;
      return { kind, pipeline, body, otherwise, line };
    });
  }

  #otherwise(kind: Context, ending: Item): readonly TemplateNode[] | undefined {
    if (ending.kind === 'end') throw problem('unexpected EOF: an <<end>> is missing', ending);
    if (ending.text === 'end') {
      this.#expect('right', 'end');
      return undefined;
    }
    const next = this.#peekNonSpace();
    // `else if` needs no end of its own.
    if (next.kind === 'keyword' && next.text === kind && (next.text === 'if' || next.text === 'with')) {
      this.#nextNonSpace();
      return [this.#control(next.text, next.line)];
    }
    this.#expect('right', 'else');
    const { nodes, ending: last } = this.#list();
    if (last.kind === 'end') throw problem('unexpected EOF: an <<end>> is missing', last);
    if (last.text !== 'end') throw problem(`expected end; found <<${last.text}>>`, last);
    this.#expect('right', 'end');
    return nodes;
  }

  #pipeline(context: Context, end: ItemKind): Pipeline {
    const { line } = this.#peekNonSpace();
    const { variables, isAssignment } = this.#declarations(context);
    const commands: Command[] = [];
    for (;;) {
      const item = this.#nextNonSpace();
      if (item.kind === end) break;
      if (!startsOperand.has(item.kind)) throw unexpected(item, context);
      this.#at -= 1;
      commands.push(this.#command());
    }
    if (commands.length === 0) throw new TemplateError(`missing value for ${context}`, line);
    for (const [index, { operands }] of commands.entries()) {
      const first = operands[0]?.kind;
      if (index > 0 && (first === 'constant' || first === 'dot' || first === 'nil')) {
        throw new TemplateError(`non executable command in pipeline stage ${index + 1}`, line);
      }
    }
    return { kind: 'pipeline', variables, isAssignment, commands, line };
  }

  /** Reads `$a :=`, `$a =` and, in a range, `$a, $b :=`. */
  #declarations(context: Context): { readonly variables: readonly string[]; readonly isAssignment: boolean } {
    const variables: string[] = [];
    for (;;) {
      const variable = this.#peekNonSpace();
      if (variable.kind !== 'variable') return { variables, isAssignment: false };
      const start = this.#at;
      this.#nextNonSpace();
      const next = this.#peekNonSpace();
      const isComma = next.kind === 'character' && next.text === ',';
      if (next.kind !== 'assign' && next.kind !== 'declare' && !isComma) {
        this.#at = start;
        return { variables, isAssignment: false };
      }
      this.#nextNonSpace();
      variables.push(variable.text);
      this.#variables.push(variable.text);
      if (!isComma) return { variables, isAssignment: next.kind === 'assign' };
      if (context !== 'range' || variables.length > 1) throw problem(`too many declarations in ${context}`, next);
      const following = this.#peekNonSpace().kind;
      if (following !== 'variable') throw problem('range can only initialize variables', next);
    }
  }

  #command(): Command {
    const operands: Operand[] = [];
    const { line } = this.#peekNonSpace();
    for (;;) {
      this.#peekNonSpace();
      const operand = this.#operand();
      if (operand !== undefined) operands.push(operand);
      const item = this.#next();
      if (item.kind === 'space') continue;
      if (item.kind === 'right' || item.kind === 'rightParen') this.#at -= 1;
      else if (item.kind !== 'pipe') throw unexpected(item, 'operand');
      break;
    }
    if (operands.length === 0) throw new TemplateError('empty command', line);
    return { operands, line };
  }

  #operand(): Operand | undefined {
    const operand = this.#term();
    if (operand === undefined || this.#peek().kind !== 'field') return operand;
    const names: string[] = [];
    while (this.#peek().kind === 'field') names.push(this.#next().text.slice(1));
    if (operand.kind === 'field' || operand.kind === 'variable') {
      return { ...operand, names: [...operand.names, ...names] };
    }
    if (operand.kind === 'constant' || operand.kind === 'nil' || operand.kind === 'dot') {
      throw new TemplateError(`unexpected .${names[0]} after a term`, operand.line);
    }
    return { kind: 'chain', operand, names, line: operand.line };
  }

  #term(): Operand | undefined {
    const item = this.#nextNonSpace();
    const { kind, text, line } = item;
    if (kind === 'identifier') {
      checkFunction(item);
      return { kind: 'function', name: text, line };
    }
    if (kind === 'dot' || kind === 'nil') return { kind, line };
    if (kind === 'variable') {
      if (!this.#variables.includes(text)) throw problem(`undefined variable "${text}"`, item);
      return { kind, name: text, names: [], line };
    }
    if (kind === 'field') return { kind, names: [text.slice(1)], line };
    if (kind === 'leftParen') return this.#nested(() => this.#pipeline('parenthesized pipeline', 'rightParen'));
    const value = constants.get(kind)?.(text, line);
    if (value !== undefined) return { kind: 'constant', value, line };
    this.#at -= 1;
    return undefined;
  }

  #nested<T>(parseInner: () => T): T {
    this.#nesting += 1;
    if (this.#nesting > nestingLimit) throw problem(`nested deeper than ${nestingLimit}`, this.#peek());
    const parsed = parseInner();
    this.#nesting -= 1;
    return parsed;
  }

  #expect(kind: ItemKind, context: string): void {
    const item = this.#nextNonSpace();
    if (item.kind !== kind) throw unexpected(item, context);
  }

  #peek(): Item {
    return this.#items[this.#at] ?? endItem;
  }

  #next(): Item {
    const item = this.#peek();
    this.#at += 1;
    return item;
  }

  #peekNonSpace(): Item {
    while (this.#peek().kind === 'space') this.#at += 1;
    return this.#peek();
  }

  #nextNonSpace(): Item {
    const item = this.#peekNonSpace();
    this.#at += 1;
    return item;
  }
}

const constants: ReadonlyMap<ItemKind, (text: string, line: number) => string | bigint | boolean> = new Map<
  ItemKind,
  (text: string, line: number) => string | bigint | boolean
>([
  ['bool', (text) => text === 'true'],
  ['charConstant', unquoteCharacter],
  ['number', parseNumber],
  ['string', unquoteString],
  ['rawString', unquoteString],
]);

const endItem: Item = { kind: 'end', text: '', line: 0 };

const startsOperand: ReadonlySet<ItemKind> = new Set<ItemKind>([
  'bool',
  'charConstant',
  'dot',
  'field',
  'identifier',
  'number',
  'nil',
  'rawString',
  'string',
  'variable',
  'leftParen',
]);

function checkFunction(item: Item): void {
  if (functionNames.has(item.text)) return;
  const isGos = unsupportedFunctions.has(item.text);
  throw problem(`function "${item.text}" ${isGos ? 'is not supported' : 'not defined'}`, item);
}

function problem(text: string, { line }: Item): TemplateError {
  return new TemplateError(text, line);
}

function unexpected(item: Item, context: string): TemplateError {
  const found = item.kind === 'end' ? 'EOF' : `"${item.text.slice(0, 20)}"`;
  return problem(`unexpected ${found} in ${context}`, item);
}
