/** Finds brackets of PromQL that do not match, without parsing it. */

/** Strings, of which backquoted ones have no escapes, comments, and brackets. A string that does not end is one as well. */
const token = /"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|`[^`]*`?|#[^\n]*|[()[\]{}]/gs;
const closing: ReadonlyMap<string, string> = new Map([
  ['(', ')'],
  ['[', ']'],
  ['{', '}'],
]);

/** Returns what is wrong with the first bracket that has no other one; undefined if each has one. */
export function bracketProblem(promql: string): string | undefined {
  const open: string[] = [];
  for (const [text] of promql.matchAll(token)) {
    const close = closing.get(text);
    if (close !== undefined) open.push(text);
    else if (')]}'.includes(text)) {
      const last = open.pop();
      if (last === undefined || closing.get(last) !== text) return `${text} closes no bracket`;
    }
  }
  const last = open.at(-1);
  return last === undefined ? undefined : `${last} is not closed`;
}

/** Returns the text of a query's template with a word for each field; undefined if it has branches, loops or functions. */
export function plainQuery(template: string): string | undefined {
  const plain = template.replaceAll(/<<-? *\.[A-Za-z]+ *-?>>/g, 'x');
  return plain.includes('<<') ? undefined : plain;
}
