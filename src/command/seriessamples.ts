/** Series of an engine, with values of a few of them. */
import type { Labels } from '../apimachinery/labels.ts';
import type { SeriesShape } from '../rules/seriesmetrics.ts';

/** Series of one name whose values are kept. */
const keptLimit = 1_000;
/** Names and sets of labels that are kept. */
const shapeLimit = 10_000;

export class SeriesSamples {
  readonly #shapes = new Map<string, SeriesShape>();
  readonly #counts = new Map<string, number>();
  readonly #kept = new Map<string, Labels[]>();

  add(labels: Labels): void {
    const name = labels.get('__name__') ?? '';
    const names = [...labels.keys()].filter((label) => label !== '__name__');
    if (this.#counts.size < shapeLimit) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    const key = JSON.stringify([name, ...names]);
    // A later series with the same name and labels takes the earlier one's place: the last one wins.
    this.#shapes.delete(key);
    if (this.#shapes.size < shapeLimit) this.#shapes.set(key, { name, labels: names });
    const kept = this.#kept.get(name) ?? [];
    if (kept.length < keptLimit && this.#kept.size < shapeLimit) {
      kept.push(labels);
      this.#kept.set(name, kept);
    }
  }

  shapes(): Iterable<SeriesShape> {
    return this.#shapes.values();
  }

  /** Returns the number of series whose names the condition accepts. */
  count(accepts: (name: string) => boolean): number {
    let sum = 0;
    for (const [name, count] of this.#counts) if (accepts(name)) sum += count;
    return sum;
  }

  /** Returns the first names of objects that a label names, all in the namespace of the first. */
  objects(
    series: string,
    label: string,
    namespaceLabel: string | undefined,
    limit: number,
  ): { readonly namespace: string; readonly names: readonly string[] } {
    const kept = (this.#kept.get(series) ?? []).filter((labels) => (labels.get(label) ?? '') !== '');
    const namespace = namespaceLabel === undefined ? '' : (kept[0]?.get(namespaceLabel) ?? '');
    const inNamespace = kept.filter(
      (labels) => namespaceLabel === undefined || labels.get(namespaceLabel) === namespace,
    );
    const names = new Set(inNamespace.map((labels) => labels.get(label) ?? ''));
    return { namespace, names: [...names].toSorted().slice(0, limit) };
  }
}
