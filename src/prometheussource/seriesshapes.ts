/** Folds the series of an answer into their shapes, so that 100,000 series cost no memory. */
import type { Labels } from '../apimachinery/labels.ts';
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
  return {
    add(labels) {
      const key = keyOf(labels);
      if (found.has(key)) return;
      if (found.size >= shapeLimit) {
        throw new Error(`more than ${shapeLimit} combinations of metric and label names; let seriesQuery select fewer`);
      }
      found.set(key, shapeOf(labels));
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

function keyOf(labels: Labels): string {
  return [labels.get(nameLabel) ?? '', ...labelNames(labels)].join(separator);
}

function shapeOf(labels: Labels): SeriesShape {
  return { name: labels.get(nameLabel) ?? '', labels: labelNames(labels) };
}

function labelNames(labels: Labels): string[] {
  return [...labels.keys()].filter((name) => name !== nameLabel).sort();
}
