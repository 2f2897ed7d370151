/** Tables as kubectl prints them. */
import assert from 'node:assert/strict';

export interface Printed {
  readonly columns: readonly string[];
  /** One for each line, by column. */
  readonly rows: readonly ReadonlyMap<string, string>[];
}

/** Reads by where the columns start, since cells may be empty. */
export function readTable(text: string): Printed {
  const [header = '', ...lines] = text.trimEnd().split('\n');
  const starts = [...header.matchAll(/\S+(?: \S+)*/g)].map((match) => ({ name: match[0], at: match.index }));
  const cells = (line: string) =>
    starts.map(({ name, at }, index) => [name, line.slice(at, starts[index + 1]?.at).trim()] as const);
  return { columns: starts.map(({ name }) => name), rows: lines.map((line) => new Map(cells(line))) };
}

/** The rows with this in a column. */
export const rowsWith = ({ rows }: Printed, column: string, value: string): Printed['rows'] =>
  rows.filter((row) => row.get(column) === value);

/** The one row with this in a column. */
export function rowWith(table: Printed, column: string, value: string): ReadonlyMap<string, string> {
  const [row, ...others] = rowsWith(table, column, value);
  assert.ok(
    row !== undefined && others.length === 0,
    `not one row with ${column} ${value}: ${JSON.stringify(table.rows.map((cells) => [...cells.values()]))}`,
  );
  return row;
}
