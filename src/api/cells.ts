/** Usage as the cells of a Table's row. */
import { formatBinary, formatDecimalNano } from '../apimachinery/quantity.ts';
import type { ResourceUsage } from './usage.ts';

/** Exact is metrics-server's form, readable that of `kubectl top`; both are quantities. */
export type TableCells = 'exact' | 'readable';

export function usageCells({ cpuNanocores, memoryBytes }: ResourceUsage, cells: TableCells): readonly [string, string] {
  switch (cells) {
    case 'exact':
      return [formatDecimalNano(cpuNanocores), formatBinary(memoryBytes)];
    case 'readable':
      // kubectl top rounds CPU up and memory down, so a nearly idle container shows 1m.
      return [`${Math.ceil(cpuNanocores / nanocoresPerMillicore)}m`, `${Math.floor(memoryBytes / bytesPerMebibyte)}Mi`];
  }
}

const nanocoresPerMillicore = 1e6;
const bytesPerMebibyte = 1024 * 1024;
