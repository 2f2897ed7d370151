/** The functions of text/template by name. */

export const functionNames: ReadonlySet<string> = new Set([
  'and',
  'eq',
  'ge',
  'gt',
  'index',
  'le',
  'len',
  'lt',
  'ne',
  'not',
  'or',
  'print',
  'printf',
  'println',
  'slice',
]);

/** Go has them; they make no sense in a query. */
export const unsupportedFunctions: ReadonlySet<string> = new Set(['call', 'html', 'js', 'urlquery']);
