/** Limits of one response beside its bytes, so that neither its rows nor their texts exhaust CPU or memory. A response above a limit is rejected. */

/** Samples that are not matched by position: four of each new row, and of old kubelets one of each core. */
export const sampleLimit = 131_072;

/** Rows of a response and the previous one together; a node with 500 pods has 4,000 with those of pods and slices. */
export const rowLimit = 32_768;

/** Containers of a node. Kubernetes is tested with 500 pods; some clusters run 2,500. */
export const containerLimit = 5_000;

/** Rows of containers to choose from; those that have just ended, and cgroups that could not be removed, count too. */
export const candidateLimit = 2 * containerLimit;

/** From more rows on, of a response and the previous one, its end is decoded in steps; a node with 110 pods has fewer. */
export const longFromRows = 640;

/** Rows per step, which takes less than a millisecond. */
export const rowsPerStep = 128;

/** Characters of the labels of new rows; a container has some 400. */
export const textLimit = 8 * 1024 * 1024;

/** Pods of one name with different UIDs, or lines of one container; there are two or three while one pod follows another. */
export const namesakeLimit = 64;

/** All lines of containers beside the first one of each. */
export const otherLineLimit = 4_096;

/** A response above a limit. */
export class AnswerTooLongError extends Error {
  override readonly name = 'AnswerTooLongError';
}

/** Throws AnswerTooLongError if the count is above the limit. @param what is counted, in the plural. */
export function checkCount(count: number, limit: number, what: string): void {
  if (count > limit) throw new AnswerTooLongError(`more than ${limit} ${what}`);
}

/** Counts what one response adds. */
export class AnswerBudget {
  #samples = 0;
  #texts = 0;

  /** Counts a sample. @throws AnswerTooLongError */
  sample(): void {
    this.#samples += 1;
    checkCount(this.#samples, sampleLimit, 'samples that were not there before');
  }

  /** Counts the text of a label. @throws AnswerTooLongError */
  text(characters: number): void {
    this.#texts += characters;
    checkCount(this.#texts, textLimit, 'characters of labels');
  }

  /** Counts a new row. @param rows including it. @throws AnswerTooLongError */
  row(rows: number, characters: number): void {
    checkCount(rows, rowLimit, 'rows');
    this.text(characters);
  }
}
