/** Folds the series of an answer into their shapes, so that 100,000 series cost no memory. */
import type { SeriesLabels } from '../promql/answer.ts';
import type { SeriesFold } from '../promql/answerbodies.ts';
import { AnswerLimitError } from '../promql/elementsplitter.ts';
import { readingTurns } from '../promql/readingturns.ts';
import type { SeriesShape } from '../rules/seriesmetrics.ts';

/** Shapes of one seriesQuery: names of metrics with different label names. A large Prometheus has some thousands. */
export const shapeLimit = 20_000;
/** Labels of all shapes: twenty each. */
const shapeLabelLimit = 400_000;
/** Different names of labels. */
const labelNameLimit = 20_000;
/** Characters of all shapes: about 50 MB. An engine chooses how long names are. */
const shapeTextLimit = 8 * 1024 * 1024;

export interface Shapes {
  /** Sorted by name and labels. Prometheus 2 answers in this order, Prometheus 3 and VictoriaMetrics in any. */
  readonly shapes: readonly SeriesShape[];
  /** Equal for equal shapes. */
  readonly text: string;
}

/** @throws AnswerLimitError beyond a limit, from `add`. */
export function createShapeFold(): SeriesFold<Shapes> {
  const found = new Map<string, SeriesShape>();
  /** Keys with labels in the order of the answer, which is one per metric with most engines: sorting takes longer. */
  const seen = new Set<string>();
  const labelNames = new Set<string>();
  let seenText = 0;
  let text = 0;
  let labelCount = 0;
  return {
    onlyValue: nameLabel,
    add(labels) {
      const names = Object.keys(labels);
      const name = nameOf(labels);
      const unsorted = `${name}${separator}${names.join(separator)}`;
      if (seen.has(unsorted)) return;
      if (seen.size < shapeLimit && seenText + unsorted.length <= shapeTextLimit) {
        seen.add(unsorted);
        seenText += unsorted.length;
      }
      const shape = { name, labels: names.filter((each) => each !== nameLabel).sort() };
      const key = [name, ...shape.labels].join(separator);
      if (found.has(key)) return;
      text += key.length;
      labelCount += shape.labels.length;
      for (const label of shape.labels) labelNames.add(label);
      requireAtMost(found.size + 1, shapeLimit, 'combinations of metric and label names');
      requireAtMost(labelNames.size, labelNameLimit, 'names of labels');
      requireAtMost(labelCount, shapeLabelLimit, 'labels in combinations');
      requireAtMost(text, shapeTextLimit, 'characters in names');
      found.set(key, shape);
    },
    result() {
      const keys = [...found.keys()].sort();
      return { shapes: keys.flatMap((key) => found.get(key) ?? []), text: keys.join('\n') };
    },
  };
}

/** Returns the shapes of both, or the listed ones alone if both are above a limit. */
export async function joinShapes(shapes: readonly SeriesShape[], listed: Shapes): Promise<Shapes> {
  const fold = createShapeFold();
  const all = [...shapes, ...listed.shapes];
  try {
    for (let from = 0; from < all.length; from += stepShapes) {
      await readingTurns.run(() => all.slice(from, from + stepShapes).forEach((shape) => fold.add(labelsOf(shape))));
    }
  } catch (error) {
    if (error instanceof AnswerLimitError) return listed;
    throw error;
  }
  return fold.result();
}

/** Returns labels of a series that has the shape. */
export function labelsOf({ name, labels }: SeriesShape): SeriesLabels {
  return Object.fromEntries([...labels.map((label) => [label, '']), ...(name === '' ? [] : [[nameLabel, name]])]);
}

/** Shapes that are joined in one step; a millisecond or so. */
const stepShapes = 200;

const nameLabel = '__name__';
/** Sorts before any character of a name. */
const separator = '\t';

function nameOf(labels: SeriesLabels): string {
  const name = labels[nameLabel];
  return typeof name === 'string' ? name : '';
}

function requireAtMost(count: number, limit: number, what: string): void {
  if (count > limit) throw new AnswerLimitError(`its series have more than ${limit} ${what}`);
}
