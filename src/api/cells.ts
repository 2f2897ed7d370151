/** Usage as the cells of a table's row: exact, as metrics-server shows it, or readable, as `kubectl top` does. */
import { formatBinary, formatDecimalNano } from '../apimachinery/quantity.ts';
import type { ResourceUsage } from './types.ts';

/** Either way the cells are quantities, so that whoever parses the one can parse the other. */
export type TableCells = 'exact' | 'readable';

/** CPU and memory. */
export function usageCells({ cpuNanocores, memoryBytes }: ResourceUsage, cells: TableCells): readonly [string, string] {
  switch (cells) {
    case 'exact':
      return [formatDecimalNano(cpuNanocores), formatBinary(memoryBytes)];
    case 'readable':
      // kubectl top rounds the one up and the other down: what uses next to no CPU is shown as 1m and not as idle.
      return [`${Math.ceil(cpuNanocores / nanocoresPerMillicore)}m`, `${Math.floor(memoryBytes / bytesPerMebibyte)}Mi`];
  }
}

const nanocoresPerMillicore = 1e6;
const bytesPerMebibyte = 1024 * 1024;
