/** Mutations of the rules: queries that ask for another namespace or object, names that are another metric's, templates that write what Go does not. */
import { type Mutation, mutate } from './mutation.ts';

const tests = ['test/unit/rules/*.test.ts', 'test/unit/rules/**/*.test.ts'];

export const rules: readonly Mutation[] = [
  ...mutate('rules/queries.ts', tests, [
    [
      "if (resource.namespaced && namespace !== '')",
      "if (namespace !== '')",
      'cluster-scoped objects are asked with a namespace',
    ],
    ["if (rule.namespaced && namespace !== '')", "if (namespace !== '')", 'namespaced: false is ignored'],
    [
      "return name === undefined || name === '' ? [] :",
      'return name === undefined ? [] :',
      'a sample without a name is one of the object ""',
    ],
  ]),
  ...mutate('rules/matchers.ts', tests, [
    [
      "if (names.length > 1) this.#add(label, '=~', this.#alternatives(names), names);\n    else ",
      '',
      'only the first of several objects is asked',
    ],
    [
      'return values.map((value) => (this.#isExact ? escapeRegexp(value) : value))',
      'return values',
      'a dot in a name matches any character',
    ],
    ['if (this.#isExact && !labelName.test(key))', 'if (false)', 'keys that are no label names are pasted'],
    ["this.#add(key, isNegative ? '!~' : '=~'", "this.#add(key, '=~'", 'notin selects what it excludes'],
    ["this.#add(key, isNegative ? '!=' : '='", "this.#add(key, '='", '!= selects what it excludes'],
    ["operator === 'Exists' ? '!=' : '='", "'='", 'an existing label is selected by its absence'],
    ['${operator}${quoteWhole(value)}', '${operator}"${value}"', 'a quote in a name ends the matcher'],
    ["this.values.set(label, values.join('|'));", '', 'templates have no values of labels'],
  ]),
  ...mutate('rules/seriesmetrics.ts', tests, [
    [
      'pattern.test(series) !== isPositive',
      'pattern.test(series) === isPositive',
      'filters leave what they should take',
    ],
    ["name === '' || name.includes('/')", "name === ''", 'a name has a slash'],
    ['const key = metricKey(resource, metric);', 'const key = metric;', 'a metric has one resource'],
    [
      'const seriesName = /^[a-zA-Z0-9_:.]{0,1000}$/;',
      'const seriesName = /^[a-zA-Z0-9_:.]*$/;',
      'a name is longer than a URL',
    ],
    ['if (!isAssociated) unassociated.add(series);', '', 'series without an object are not reported'],
  ]),
  ...mutate('rules/resourcelabels.ts', tests, [
    [
      'overrides.get(label) ?? resourceNameOf(label)',
      'resourceNameOf(label) ?? overrides.get(label)',
      'the template wins over an override',
    ],
    ['compilePattern(`^${pattern}$`)', 'compilePattern(pattern)', 'a label that contains the pattern is a resource'],
    ['replaceAll(/[.-]/g', 'replaceAll(/[.]/g', 'a dash of a group stays in the label'],
    ['[...overrides].findLast(', '[...overrides].find(', 'of several overrides the first is queried'],
  ]),
  ...mutate('rules/expansion.ts', tests, [
    ['/^(?:0|[1-9]\\d{0,8})$/.test(group)', '/^\\d+$/.test(group)', '$01 is a group'],
    [
      'number > pattern.groups ? undefined : number',
      'number > pattern.groups + 1 ? undefined : number',
      'an unknown group is not noticed',
    ],
  ]),
  ...mutate('rules/decode.ts', tests, [
    ['if (seen.has(name)) reader.add(', 'if (false) reader.add(', 'the second of two equal keys wins'],
    ['isScalar(node) && isPlain(node) ? booleans', 'isScalar(node) ? booleans', '"true" in quotes is a boolean'],
    ['.toReversed()) eachPair', ') eachPair', 'of several merges the last wins'],
    ['if (this.#nodes > nodeLimit)', 'if (false)', 'aliases of aliases are followed without end'],
  ]),
  ...mutate('rules/template/execution.ts', tests, [
    ["isTrue(value) === (name === 'or')", "isTrue(value) === (name === 'and')", 'and and or are exchanged'],
    ["node.kind === 'with' ? value : dot", 'dot', 'with does not set dot'],
    ['this.#variables.length = mark;', '', 'variables outlive their block'],
    ['if (this.#steps > stepLimit)', 'if (false)', 'a template runs without end'],
    ['if (this.output.length + text.length > outputLimit)', 'if (false)', 'a query has any length'],
  ]),
  ...mutate('rules/template/lexer.ts', tests, [
    ['piece.slice(0, piece.length - spacesAtEnd(piece))', 'piece', '<<- trims nothing'],
    ["this.#text[at] === '-' && isSpace(", "this.#text[at] === '-' || isSpace(", '<<-3>> is a trim marker'],
    ['if (this.#hasTrimmedRight(last)) count -= 1;', '', 'a trim marker behind several spaces is an operand'],
  ]),
  ...mutate('rules/rules.ts', tests, [
    ['if (neverWorks) this', 'if (false) this', 'a query that never works is accepted'],
    ['if (unknown?.meant !== undefined)', 'if (false)', '$1_x is accepted'],
    ["if (is !== '' && isNot !== '')", 'if (false)', 'a filter has both conditions'],
  ]),
];
