/** Executes a template over its data, as Go's text/template does. */
import { outputLimit, stepLimit, TemplateError } from './error.ts';
import { functions } from './functions.ts';
import type { Command, TemplateNode, Operand, Pipeline } from './nodes.ts';
import { formatValue } from './printing.ts';
import { Byte, Fields, isList, isMap, isTrue, sortedEntries, typeName, type Value } from './values.ts';

/** @throws TemplateError with the line of the action that failed. */
export function execute(nodes: readonly TemplateNode[], data: Fields): string {
  const execution = new Execution(data);
  execution.walkAll(data, nodes);
  return execution.output;
}

/** In the place of the last argument of a command at the start of a pipeline; nil is a value. */
const noValue = Symbol('no value');
type Final = Value | typeof noValue;

type Signal = 'break' | 'continue' | undefined;

class Execution {
  output = '';
  #steps = 0;
  readonly #variables: { readonly name: string; value: Value }[];

  constructor(data: Fields) {
    this.#variables = [{ name: '$', value: data }];
  }

  walkAll(dot: Value, nodes: readonly TemplateNode[]): Signal {
    for (const node of nodes) {
      const signal = at(node.line, () => this.#walk(dot, node));
      if (signal !== undefined) return signal;
    }
    return undefined;
  }

  #walk(dot: Value, node: TemplateNode): Signal {
    this.#step();
    switch (node.kind) {
      case 'text':
        this.#write(node.text);
        return undefined;
      case 'action': {
        const value = this.#pipeline(dot, node.pipeline);
        // As in Go: a key that a map does not have is written, so that the query fails visibly.
        if (node.pipeline.variables.length === 0) this.#write(value === undefined ? '<no value>' : formatValue(value));
        return undefined;
      }
      case 'break':
      case 'continue':
        return node.kind;
      case 'range':
        return this.#scoped(() => this.#range(dot, node));
      case 'if':
      case 'with':
        return this.#scoped(() => {
          const value = this.#pipeline(dot, node.pipeline);
          if (isTrue(value)) return this.walkAll(node.kind === 'with' ? value : dot, node.body);
          return this.walkAll(dot, node.otherwise ?? []);
        });
    }
  }

  #range(dot: Value, node: TemplateNode & { readonly kind: 'if' | 'with' | 'range' }): Signal {
    const { pipeline, body, otherwise } = node;
    const value = this.#pipeline(dot, pipeline);
    let runs = 0;
    for (const [index, element] of entriesOf(value, pipeline.variables.length)) {
      runs += 1;
      this.#setRangeVariables(pipeline, index, element);
      const signal = this.#scoped(() => this.walkAll(element, body));
      if (signal === 'break') break;
      this.#step();
    }
    return runs === 0 ? this.walkAll(dot, otherwise ?? []) : undefined;
  }

  /** With one variable it gets the element, with two the first gets the index. */
  #setRangeVariables({ variables, isAssignment }: Pipeline, index: Value, element: Value): void {
    const values = variables.length > 1 ? [index, element] : [element];
    for (const [position, name] of variables.entries()) {
      if (isAssignment) this.#assign(name, values[position]);
      else {
        const variable = this.#variables[this.#variables.length - variables.length + position];
        if (variable !== undefined) variable.value = values[position];
      }
    }
  }

  #scoped(run: () => Signal): Signal {
    const mark = this.#variables.length;
    const signal = run();
    this.#variables.length = mark;
    return signal;
  }

  #pipeline(dot: Value, pipeline: Pipeline): Value {
    let value: Final = noValue;
    for (const command of pipeline.commands) value = this.#command(dot, command, value);
    const result = value === noValue ? undefined : value;
    for (const name of pipeline.variables) {
      if (pipeline.isAssignment) this.#assign(name, result);
      else this.#variables.push({ name, value: result });
    }
    return result;
  }

  #command(dot: Value, { operands }: Command, final: Final): Value {
    const [first, ...args] = operands;
    if (first === undefined) throw new TemplateError('empty command', 0);
    if (first.kind === 'function') return this.#call(dot, first.name, args, final);
    if (args.length > 0 || final !== noValue)
      throw new TemplateError("can't give argument to non-function", first.line);
    if (first.kind === 'nil') throw new TemplateError('nil is not a command', first.line);
    return this.#operand(dot, first);
  }

  #operand(dot: Value, operand: Operand): Value {
    this.#step();
    switch (operand.kind) {
      case 'pipeline':
        return this.#pipeline(dot, operand);
      case 'constant':
        return operand.value;
      case 'nil':
        return undefined;
      case 'dot':
        return dot;
      case 'field':
        return fieldOf(dot, operand.names);
      case 'variable':
        return fieldOf(this.#variable(operand.name).value, operand.names);
      case 'function':
        return this.#call(dot, operand.name, [], noValue);
      case 'chain':
        return fieldOf(this.#operand(dot, operand.operand), operand.names);
    }
  }

  #call(dot: Value, name: string, args: readonly Operand[], final: Final): Value {
    this.#step();
    const count = args.length + (final === noValue ? 0 : 1);
    if (name === 'and' || name === 'or') {
      if (count === 0) throw new TemplateError(`wrong number of args for ${name}: want at least 1 got 0`, 0);
      return this.#andOr(dot, name, args, final);
    }
    const called = functions.get(name);
    if (called === undefined) throw new TemplateError(`"${name}" is not a defined function`, 0);
    if (count < called.least || count > called.most) {
      throw new TemplateError(`wrong number of args for ${name}: got ${count}`, 0);
    }
    const values = args.map((arg) => this.#operand(dot, arg));
    return called.call(final === noValue ? values : [...values, final]);
  }

  /** Evaluates arguments until one decides. */
  #andOr(dot: Value, name: 'and' | 'or', args: readonly Operand[], final: Final): Value {
    let value: Value;
    for (const arg of args) {
      value = this.#operand(dot, arg);
      if (isTrue(value) === (name === 'or')) return value;
    }
    return final === noValue ? value : final;
  }

  #variable(name: string): { value: Value } {
    const variable = this.#variables.findLast((each) => each.name === name);
    if (variable === undefined) throw new TemplateError(`undefined variable: ${name}`, 0);
    return variable;
  }

  #assign(name: string, value: Value): void {
    this.#variable(name).value = value;
  }

  #write(text: string): void {
    if (this.output.length + text.length > outputLimit) {
      throw new TemplateError(`the output is longer than ${outputLimit} characters`, 0, true);
    }
    this.output += text;
  }

  #step(): void {
    this.#steps += 1;
    if (this.#steps > stepLimit) throw new TemplateError(`more than ${stepLimit} steps`, 0, true);
  }
}

/** Runs, and adds the line to errors that have none. */
function at<T>(line: number, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof TemplateError && error.line === 0) {
      throw new TemplateError(error.problem, line, error.dependsOnData);
    }
    throw error;
  }
}

/** Yields indexes and elements. Whole numbers count, as in newer versions of Go. */
function* entriesOf(value: Value, variables: number): Generator<readonly [Value, Value]> {
  if (value === undefined) return;
  if (isList(value)) {
    for (const [index, element] of value.entries()) yield [BigInt(index), element];
  } else if (isMap(value)) yield* sortedEntries(value);
  else if (typeof value === 'bigint' || value instanceof Byte) {
    if (variables > 1) throw new TemplateError("can't use a number to iterate over more than one variable", 0);
    const end = value instanceof Byte ? value.value : value;
    for (let count = 0n; count < end; count += 1n) yield [undefined, count];
  } else throw new TemplateError(`range can't iterate over ${typeName(value)}`, 0);
}

function fieldOf(start: Value, names: readonly string[]): Value {
  let value = start;
  for (const name of names) {
    if (value === undefined) return undefined;
    if (isMap(value)) value = value.get(name);
    else if (value instanceof Fields && value.values.has(name)) value = value.values.get(name);
    else throw new TemplateError(`can't evaluate field ${name} in ${typeName(value)}`, 0);
  }
  return value;
}
