/** Finds the rows that were there before, and shares what rows have in common: 5,000 nodes have 600,000 rows. */
import { type CgroupFolder, type CgroupRow, isSameFolder, isSameRow } from './cgrouprow.ts';

/** The rows of one body and of the previous one. */
export class KnownRows {
  readonly #rows: readonly CgroupRow[];
  /** Indexes by pointId or path. */
  readonly #indexes = new Map<string, number[]>();
  /** Indexes by the same, and then by the whole row. */
  readonly #crowds = new Map<string, Map<string, number>>();
  /** A pod's names come with each of its containers. */
  readonly #texts = new Map<string, string>();
  /** By what stands before the ID. */
  readonly #folders = new Map<string, CgroupFolder>();

  constructor(rows: readonly CgroupRow[]) {
    this.#rows = rows;
    for (let index = 0; index < rows.length; index += 1) {
      const row = rows[index]!;
      this.add(row, index);
      this.#note(row);
    }
  }

  add(row: CgroupRow, index: number): void {
    const key = keyOf(row);
    if (key === '') return;
    const same = this.#indexes.get(key);
    if (same === undefined) this.#indexes.set(key, [index]);
    else if (same.push(index) > crowdFrom) this.#crowds.get(key)?.set(wholeKeyOf(row), index);
  }

  /** Returns the index of an equal row; undefined if there is none. */
  indexOf(row: CgroupRow): number | undefined {
    const key = keyOf(row);
    const same = this.#indexes.get(key);
    if (same === undefined || same.length <= crowdFrom)
      return same?.find((index) => isSameRow(this.#rows[index]!, row));
    return this.#crowd(key, same).get(wholeKeyOf(row));
  }

  /** Returns the rows of one key by the whole row: only a tenant or a hostile kubelet makes many. */
  #crowd(key: string, indexes: readonly number[]): Map<string, number> {
    let crowd = this.#crowds.get(key);
    if (crowd === undefined) {
      // The first of equal rows counts.
      crowd = new Map(indexes.toReversed().map((index) => [wholeKeyOf(this.#rows[index]!), index]));
      this.#crowds.set(key, crowd);
    }
    return crowd;
  }

  /** Returns the row with strings and the folder of other rows, where they are equal. */
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

/** From more rows of one key on they are found by a map. */
const crowdFrom = 8;

/** Returns what isSameRow compares. */
function wholeKeyOf({ kind, path, pointId, folder, container, pod, namespace }: CgroupRow): string {
  return [kind, path, pointId, folder?.before, folder?.after, container, pod, namespace].join('\0');
}

/** Returns '' if nothing identifies the row. */
function keyOf({ pointId, path }: CgroupRow): string {
  return pointId === '' ? path : pointId;
}
