/** The deliberate differences as the table of docs/differences.md. */
import { groups } from './cases.ts';
import { differences, type Reason, reasons } from './differences.ts';

export function differenceTable(): string {
  const rows = (Object.keys(reasons) as Reason[]).map((reason) => {
    const { what, why } = reasons[reason];
    return `| ${what} | ${why} | ${statementsOf(reason).join(', ')} |`;
  });
  return ['| difference | because | statements |', '|---|---|---|', ...rows].join('\n');
}

/** The statements whose cases show it, ascending. */
export function statementsOf(reason: Reason): number[] {
  const cases = [...groups.values()].flat();
  const shown = cases.filter(({ differs }) => differs !== undefined && differences[differs].because === reason);
  return [...new Set(shown.flatMap(({ statements }) => statements))].sort((a, b) => a - b);
}
