/** Parses label selectors in the steps of k8s.io/apimachinery/pkg/labels, for equal error messages. */
import { parseInt64 } from './integer.ts';
import { labelKeyProblem, labelValueProblem } from './labelsyntax.ts';
import { excerpt, quote } from './quote.ts';
import { badRequest, type StatusError } from './status.ts';

/** Operator and values as in a SubjectAccessReview: `=` is In, `!=` is NotIn. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  /** Sorted, unique; none for Exists and DoesNotExist, one whole number for Gt and Lt. */
  readonly values: readonly string[];
  /** True for in and notin, also with one value. */
  readonly isSet: boolean;
}

/** UTF-16 units: enough to name a thousand applications. */
const selectorLimit = 65_536;

/** Each is evaluated for each object of a list, which may have 150,000. */
const requirementLimit = 256;

/** A selector may have 30,000 values, and each problem is 300 characters. */
const problemLimit = 32;

/** Parses in the order of the text. @throws StatusError BadRequest with Kubernetes' message. */
export function parseRequirements(text: string): LabelRequirement[] {
  if (text.length > selectorLimit) {
    throw badRequest(`label selector of ${text.length} characters: use at most ${selectorLimit}`);
  }
  const tokens = new Tokens(text);
  const requirements: LabelRequirement[] = [];
  while (tokens.peek() !== end) {
    if (!startsRequirement(tokens.peek())) {
      throw badRequest(`found '${excerpt(tokens.peek())}', expected: !, identifier, or 'end of string'`);
    }
    requirements.push(parseRequirement(tokens));
    if (requirements.length > requirementLimit) {
      throw badRequest(`label selector of more than ${requirementLimit} requirements: use fewer`);
    }
    const after = tokens.take();
    if (after === end) break;
    if (after !== ',') throw badRequest(`found '${excerpt(after)}', expected: ',' or 'end of string'`);
    if (!startsRequirement(tokens.peek())) {
      throw badRequest(`found '${excerpt(tokens.peek())}', expected: identifier after ','`);
    }
  }
  return requirements;
}

function parseRequirement(tokens: Tokens): LabelRequirement {
  const negated = tokens.peek() === '!';
  if (negated) tokens.take();
  const key = tokens.take();
  if (!isIdentifier(key)) throw refuse(`found '${excerpt(key)}', expected: identifier`);
  const problem = labelKeyProblem(key);
  if (problem !== undefined) throw refuse(`<nil>: Invalid value: ${quote(key)}: ${problem}`);
  if (negated) return { key, operator: 'DoesNotExist', values: [], isSet: false };
  if (tokens.peek() === end || tokens.peek() === ',') return { key, operator: 'Exists', values: [], isSet: false };
  const sign = tokens.take();
  const operator = operators.get(sign);
  if (operator === undefined) throw refuse(`found '${excerpt(sign)}', expected: in, notin, =, ==, !=, gt, lt`);
  const isSet = sign === 'in' || sign === 'notin';
  const values = isSet ? parseValues(tokens) : [parseExactValue(tokens)];
  checkValues(key, operator, values);
  return { key, operator, values, isSet };
}

const operators: ReadonlyMap<string, LabelRequirement['operator']> = new Map([
  ['in', 'In'],
  ['notin', 'NotIn'],
  ['=', 'In'],
  ['==', 'In'],
  ['!=', 'NotIn'],
  ['>', 'Gt'],
  ['<', 'Lt'],
]);

function parseValues(tokens: Tokens): string[] {
  const open = tokens.take();
  // Kubernetes' message has no comma behind the token here.
  if (open !== '(') throw refuse(`found '${excerpt(open)}' expected: '('`);
  const first = tokens.peek();
  if (first !== ')' && first !== ',' && !isIdentifier(first)) {
    throw refuse(`found '${excerpt(first)}', expected: ',', ')' or identifier`);
  }
  const values = new Set<string>();
  let missing = true;
  for (let token = tokens.take(); token !== ')'; token = tokens.take()) {
    if (token === ',') {
      if (missing) values.add('');
      missing = true;
      continue;
    }
    if (!isIdentifier(token)) throw refuse(`found '${excerpt(token)}', expected: ',', or identifier`);
    values.add(token);
    missing = false;
    const next = tokens.peek();
    if (next !== ',' && next !== ')') throw refuse(`found '${excerpt(next)}', expected: ',' or ')'`);
  }
  if (missing) values.add('');
  return [...values].sort();
}

function parseExactValue(tokens: Tokens): string {
  if (tokens.peek() === end || tokens.peek() === ',') return '';
  const value = tokens.take();
  if (!isIdentifier(value)) throw refuse(`found '${excerpt(value)}', expected: identifier`);
  return value;
}

function checkValues(key: string, operator: LabelRequirement['operator'], values: readonly string[]): void {
  const problems: string[] = [];
  for (const [index, value] of values.entries()) {
    if ((operator === 'Gt' || operator === 'Lt') && parseInt64(value) === undefined) {
      const rule = "for 'Gt', 'Lt' operators, the value must be an integer";
      problems.push(`values[${index}]: Invalid value: ${quote(value)}: ${rule}`);
    }
    const problem = labelValueProblem(value);
    if (problem !== undefined) problems.push(`values[${index}][${key}]: Invalid value: ${quote(value)}: ${problem}`);
    if (problems.length >= problemLimit) break;
  }
  if (problems.length > 0) throw refuse(problems.length === 1 ? problems.join() : `[${problems.join(', ')}]`);
}

function refuse(problem: string): StatusError {
  return badRequest(`unable to parse requirement: ${problem}`);
}

const end = '';

/** Includes in and notin, which are operators only in an operator's position. */
function isIdentifier(token: string): boolean {
  return token !== end && !/^[=!(),<>]/.test(token);
}

function startsRequirement(token: string): boolean {
  return token === '!' || isIdentifier(token);
}

/** As in Kubernetes, a NUL ends a token, and at a token's start the text. */
class Tokens {
  readonly #tokens: string[] = [];
  #position = 0;

  constructor(text: string) {
    for (const [, token] of text.matchAll(/[ \t\r\n]*([=!]=|[=!(),<>]|[^=!(),<> \t\r\n\0]+)?\0?/g)) {
      if (token === undefined) break;
      this.#tokens.push(token);
    }
  }

  peek(): string {
    return this.#tokens[this.#position] ?? end;
  }

  take(): string {
    const token = this.peek();
    this.#position += 1;
    return token;
  }
}
