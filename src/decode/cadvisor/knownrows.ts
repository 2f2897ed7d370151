/** Finds the previous body's rows, and shares what rows have in common. */
import { type CgroupFolder, type CgroupRow, isSameFolder, isSameRow } from './cgrouprow.ts';

/** The rows of one body and of the previous one. */
export class KnownRows {
  readonly #rows: readonly CgroupRow[];
  /** Indexes by pointId or path. */
  readonly #indexes = new Map<string, number[]>();
  readonly #crowds = new Map<string, Map<string, number>>();
  /** A pod's names come with each container. */
  readonly #texts = new Map<string, string>();
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

  indexOf(row: CgroupRow): number | undefined {
    const key = keyOf(row);
    const same = this.#indexes.get(key);
    if (same === undefined || same.length <= crowdFrom)
      return same?.find((index) => isSameRow(this.#rows[index]!, row));
    return this.#crowd(key, same).get(wholeKeyOf(row));
  }

  /** Only a tenant or a hostile kubelet makes many rows of one key. */
  #crowd(key: string, indexes: readonly number[]): Map<string, number> {
    let crowd = this.#crowds.get(key);
    if (crowd === undefined) {
      crowd = new Map(indexes.toReversed().map((index) => [wholeKeyOf(this.#rows[index]!), index]));
      this.#crowds.set(key, crowd);
    }
    return crowd;
  }

  /** Returns the row with shared strings and folder. */
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

/** From here a map finds a key's rows. */
const crowdFrom = 8;

function wholeKeyOf({ kind, path, pointId, folder, container, pod, namespace }: CgroupRow): string {
  return [kind, path, pointId, folder?.before, folder?.after, container, pod, namespace].join('\0');
}

function keyOf({ pointId, path }: CgroupRow): string {
  return pointId === '' ? path : pointId;
}
