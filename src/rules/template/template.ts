/** Go's text/template with the delimiters << and >>, as far as queries use it. */
import { TemplateError } from './error.ts';
import { execute } from './execution.ts';
import type { TemplateNode, Operand, Pipeline } from './nodes.ts';
import { parse } from './parser.ts';
import { Fields, type Value } from './values.ts';

export interface GoTemplate {
  /** Returns the output over the data. @throws TemplateError */
  readonly execute: (data: Readonly<Record<string, Value>>) => string;
}

/**
 * Parses a template, and rejects fields that the data does not have, where Go would fail at each execution.
 * @param fields of the data.
 * @throws TemplateError
 */
export function parseTemplate(text: string, fields: readonly string[]): GoTemplate {
  const nodes = parse(text);
  checkFields(nodes, new Set(fields), true);
  return { execute: (data) => execute(nodes, new Fields(new Map(Object.entries(data)))) };
}

/** @param isData whether dot is the data, which it is outside of range and with. */
function checkFields(nodes: readonly TemplateNode[], known: ReadonlySet<string>, isData: boolean): void {
  for (const node of nodes) {
    if (!('pipeline' in node)) continue;
    checkPipeline(node.pipeline, known, isData);
    if (node.kind === 'action') continue;
    checkFields(node.body, known, isData && node.kind === 'if');
    checkFields(node.otherwise ?? [], known, isData);
  }
}

function checkPipeline({ commands }: Pipeline, known: ReadonlySet<string>, isData: boolean): void {
  for (const { operands } of commands) for (const operand of operands) checkOperand(operand, known, isData);
}

function checkOperand(operand: Operand, known: ReadonlySet<string>, isData: boolean): void {
  if (operand.kind === 'pipeline') checkPipeline(operand, known, isData);
  if (operand.kind === 'chain') checkOperand(operand.operand, known, isData);
  const isOfData = (operand.kind === 'field' && isData) || (operand.kind === 'variable' && operand.name === '$');
  const name = isOfData ? operand.names[0] : undefined;
  if (name === undefined || known.has(name)) return;
  const list = [...known].map((each) => `.${each}`).join(', ');
  throw new TemplateError(`can't evaluate field ${name}; there are ${list}`, operand.line);
}
