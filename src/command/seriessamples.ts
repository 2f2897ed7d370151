/** Series of an engine for one rule: their shapes, how many have each name, and the first objects of each. */
import { textMap } from '../client/json.ts';
import type { Labels } from '../apimachinery/labels.ts';
import type { SeriesLabels } from '../promql/answer.ts';
import { createShapeFold } from '../prometheussource/seriesshapes.ts';
import type { SeriesShape } from '../rules/seriesmetrics.ts';
import { objectLimit } from './askedvalues.ts';

/** Characters that the names of objects take, with `entrySize` for each name of series and label. */
const keptLimit = 16 * 1024 * 1024;
/** What a name of series with a label takes beside its characters. */
const entrySize = 200;

/** A label whose values name objects. */
export interface ObjectLabel {
  readonly label: string;
  /** Undefined if the objects have no namespace. */
  readonly namespaceLabel: string | undefined;
}

export interface SeriesObjects {
  /** That of the first series with the label; empty if the objects have none. */
  readonly namespace: string;
  /** The first `objectLimit` in this namespace, sorted. */
  readonly names: readonly string[];
}

interface KeptObjects extends SeriesObjects {
  readonly names: string[];
}

export class SeriesSamples {
  readonly #objectLabelOf: (label: string) => ObjectLabel | undefined;
  readonly #shapes = createShapeFold();
  /** By name, of which there are at most as many as shapes. */
  readonly #counts = new Map<string, number>();
  readonly #objects = new Map<string, KeptObjects>();
  #kept = 0;
  #isCut = false;

  /** @param objectLabelOf returns the label that names the objects of the resource which another label may name. */
  constructor(objectLabelOf: (label: string) => ObjectLabel | undefined) {
    this.#objectLabelOf = objectLabelOf;
  }

  /** @throws AnswerLimitError for series with more shapes than the server lists. */
  add(series: SeriesLabels): void {
    this.#shapes.add(series);
    const labels = textMap(series);
    const name = nameOf(labels);
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    for (const each of labels.keys()) {
      const objectLabel = each === '__name__' ? undefined : this.#objectLabelOf(each);
      if (objectLabel !== undefined) this.#keep(labels, objectLabel);
    }
  }

  shapes(): readonly SeriesShape[] {
    return this.#shapes.result().shapes;
  }

  /** Returns the number of series whose names the condition accepts. */
  count(accepts: (name: string) => boolean): number {
    let sum = 0;
    for (const [name, count] of this.#counts) if (accepts(name)) sum += count;
    return sum;
  }

  /** Returns the objects that a label names, or why none is known. */
  objects(series: string, objectLabel: ObjectLabel): SeriesObjects & { readonly problem?: string } {
    const kept = this.#objects.get(keyOf(series, objectLabel));
    if (kept !== undefined && kept.names.length > 0) return kept;
    const { label } = objectLabel;
    const count = this.#counts.get(series) ?? 0;
    const problem = this.#isCut
      ? `the label ${label} of its ${count} series was not read: the objects of the rule's series take more than ${keptLimit / 1024 / 1024} MB; select fewer series`
      : `none of its ${count} series has the label ${label}`;
    return { namespace: '', names: [], problem };
  }

  #keep(labels: Labels, objectLabel: ObjectLabel): void {
    const value = labels.get(objectLabel.label) ?? '';
    if (value === '') return;
    const { namespaceLabel } = objectLabel;
    const namespace = namespaceLabel === undefined ? '' : (labels.get(namespaceLabel) ?? '');
    const key = keyOf(nameOf(labels), objectLabel);
    let kept = this.#objects.get(key);
    if (kept === undefined) {
      if (!this.#hasRoom(entrySize + key.length + namespace.length + value.length)) return;
      kept = { namespace, names: [] };
      this.#objects.set(key, kept);
    }
    const { names } = kept;
    const isLater = names.length === objectLimit && value > (names.at(-1) ?? '');
    if (kept.namespace !== namespace || isLater || names.includes(value)) return;
    if (!this.#hasRoom(value.length)) return;
    names.push(value);
    names.sort();
    if (names.length > objectLimit) this.#kept -= names.pop()?.length ?? 0;
  }

  #hasRoom(size: number): boolean {
    const hasRoom = this.#kept + size <= keptLimit;
    if (hasRoom) this.#kept += size;
    else this.#isCut = true;
    return hasRoom;
  }
}

function nameOf(labels: Labels): string {
  return labels.get('__name__') ?? '';
}

function keyOf(series: string, { label, namespaceLabel = '' }: ObjectLabel): string {
  return [series, label, namespaceLabel].join('\t');
}
