/** Folds the series of an answer into their shapes, so that 100,000 series cost no memory. */
import type { SeriesLabels } from '../promql/answer.ts';
import type { SeriesFold } from '../promql/client.ts';
import type { SeriesShape } from '../rules/seriesmetrics.ts';

/** Shapes of one seriesQuery: names of metrics with different label names. A large Prometheus has some thousands. */
export const shapeLimit = 100_000;

export interface Shapes {
  /** Sorted by name and labels. Prometheus 2 answers in this order, Prometheus 3 and VictoriaMetrics in any. */
  readonly shapes: readonly SeriesShape[];
  /** Equal for equal shapes. */
  readonly text: string;
}

/** @throws Error beyond the limit, from `add`. */
export function createShapeFold(): SeriesFold<Shapes> {
  const found = new Map<string, SeriesShape>();
  /** Keys with labels in the order of the answer, which is one per metric with most engines: sorting takes longer. */
  const seen = new Set<string>();
  return {
    add(labels) {
      const names = Object.keys(labels);
      const name = nameOf(labels);
      const unsorted = `${name}${separator}${names.join(separator)}`;
      if (seen.has(unsorted)) return;
      if (seen.size < shapeLimit) seen.add(unsorted);
      const shape = { name, labels: names.filter((each) => each !== nameLabel).sort() };
      const key = [name, ...shape.labels].join(separator);
      if (found.has(key)) return;
      if (found.size >= shapeLimit) {
        throw new Error(`more than ${shapeLimit} combinations of metric and label names; let seriesQuery select fewer`);
      }
      found.set(key, shape);
    },
    result() {
      const keys = [...found.keys()].sort();
      return { shapes: keys.flatMap((key) => found.get(key) ?? []), text: keys.join('\n') };
    },
  };
}

const nameLabel = '__name__';
/** Sorts before any character of a name. */
const separator = '\t';

function nameOf(labels: SeriesLabels): string {
  const name = labels[nameLabel];
  return typeof name === 'string' ? name : '';
}
