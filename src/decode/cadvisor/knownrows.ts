/** Finds the rows that were there before, and shares what rows have in common: of 5,000 nodes there are 600,000. */
import { type CgroupFolder, type CgroupRow, isSameFolder, isSameRow } from './cgrouprow.ts';

/** Of one answer and the one before it. */
export class KnownRows {
  readonly #rows: readonly CgroupRow[];
  /** Places by pointId or path. */
  readonly #places = new Map<string, number[]>();
  /** Places by the same, and then by all that a row is. */
  readonly #crowds = new Map<string, Map<string, number>>();
  /** The names of a pod are told with each of its containers. */
  readonly #texts = new Map<string, string>();
  /** By what stands before the ID. */
  readonly #folders = new Map<string, CgroupFolder>();

  constructor(rows: readonly CgroupRow[]) {
    this.#rows = rows;
    for (let place = 0; place < rows.length; place += 1) {
      const row = rows[place]!;
      this.add(row, place);
      this.#note(row);
    }
  }

  add(row: CgroupRow, place: number): void {
    const key = keyOf(row);
    if (key === '') return;
    const same = this.#places.get(key);
    if (same === undefined) this.#places.set(key, [place]);
    else if (same.push(place) > crowdFrom) this.#crowds.get(key)?.set(wholeKeyOf(row), place);
  }

  /** Returns where an equal row is; undefined where there is none. */
  placeOf(row: CgroupRow): number | undefined {
    const key = keyOf(row);
    const same = this.#places.get(key);
    if (same === undefined || same.length <= crowdFrom)
      return same?.find((place) => isSameRow(this.#rows[place]!, row));
    return this.#crowd(key, same).get(wholeKeyOf(row));
  }

  /** Rows of one key by all that they are, once there are many: nobody but a tenant, or a hostile kubelet, makes them. */
  #crowd(key: string, places: readonly number[]): Map<string, number> {
    let crowd = this.#crowds.get(key);
    if (crowd === undefined) {
      // Of equal rows the first one counts.
      crowd = new Map(places.toReversed().map((place) => [wholeKeyOf(this.#rows[place]!), place]));
      this.#crowds.set(key, crowd);
    }
    return crowd;
  }

  /** The same row with strings and the folder of others, where they are equal. */
  share(row: CgroupRow): CgroupRow {
    return {
      ...row,
      namespace: this.#text(row.namespace),
      pod: this.#text(row.pod),
      container: this.#text(row.container),
      folder: row.folder && this.#folder(row.folder),
    };
  }

  #note({ namespace, pod, container, folder }: CgroupRow): void {
    this.#text(namespace);
    this.#text(pod);
    this.#text(container);
    if (folder !== undefined) this.#folder(folder);
  }

  #text(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#texts.set(text, text);
    return text;
  }

  #folder(folder: CgroupFolder): CgroupFolder {
    const known = this.#folders.get(folder.before);
    if (known !== undefined) return isSameFolder(known, folder) ? known : folder;
    this.#folders.set(folder.before, folder);
    return folder;
  }
}

/** From more rows of one key on they are looked up instead of compared. */
const crowdFrom = 8;

/** What isSameRow compares. */
function wholeKeyOf({ kind, path, pointId, folder, container, pod, namespace }: CgroupRow): string {
  return [kind, path, pointId, folder?.before, folder?.after, container, pod, namespace].join('\0');
}

/** Empty where nothing tells the row from others. */
function keyOf({ pointId, path }: CgroupRow): string {
  return pointId === '' ? path : pointId;
}
