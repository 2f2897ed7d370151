/** Label selectors as metav1.LabelSelector. */
import type { LabelSelector } from './labels.ts';
import type { ProtobufWriter } from './protobuf.ts';

/** The members of metav1.LabelSelector, in the order of its struct; empty ones are absent. */
export interface SelectorObject {
  readonly matchLabels: ReadonlyMap<string, string> | undefined;
  readonly matchExpressions: readonly SelectorExpression[] | undefined;
}

export interface SelectorExpression {
  readonly key: string;
  readonly operator: string;
  readonly values: readonly string[] | undefined;
}

/**
 * Returns null for a selector without requirements. An equality becomes a label, all others an expression. The last
 * of several equalities of one key remains, as in Go's ParseToLabelSelector, which has no word for `!=`: here it is
 * NotIn.
 */
export function selectorObject({ requirements }: LabelSelector): SelectorObject | null {
  if (requirements.length === 0) return null;
  const labels = new Map<string, string>();
  const expressions: SelectorExpression[] = [];
  for (const { key, operator, values, isSet } of requirements) {
    const [only] = values;
    if (operator === 'In' && !isSet && only !== undefined) labels.set(key, only);
    else expressions.push({ key, operator, values: values.length === 0 ? undefined : values });
  }
  return {
    matchLabels: labels.size === 0 ? undefined : labels,
    matchExpressions: expressions.length === 0 ? undefined : expressions,
  };
}

/** Field numbers are those of k8s.io/apimachinery's generated.proto. */
export function writeSelectorObject(writer: ProtobufWriter, field: number, object: SelectorObject): void {
  writer.message(field, () => {
    if (object.matchLabels !== undefined) writeLabels(writer, 1, object.matchLabels);
    for (const { key, operator, values } of object.matchExpressions ?? []) {
      writer.message(2, () => {
        writer.string(1, key);
        writer.string(2, operator);
        for (const value of values ?? []) writer.string(3, value);
      });
    }
  });
}

/** Writes a map of strings, sorted by key. */
export function writeLabels(writer: ProtobufWriter, field: number, labels: ReadonlyMap<string, string>): void {
  for (const key of [...labels.keys()].sort()) {
    writer.message(field, () => {
      writer.string(1, key);
      writer.string(2, labels.get(key) ?? '');
    });
  }
}
