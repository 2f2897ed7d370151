/** What one answer may hold at most, beside its bytes: whatever is more is refused, so that neither its rows nor their texts take a turn or the memory. */

/** Samples that are looked at, of rows that were not there before: four of each row, and of old kubelets one of each core. */
export const sampleLimit = 131_072;

/** Rows of an answer and of the one before it together; a node with 500 pods has 4,000 with those of pods and slices. */
export const rowLimit = 32_768;

/** Containers of a node; 500 pods are what Kubernetes is tested with, and 2,500 what some run. */
export const containerLimit = 5_000;

/** Rows of containers there may be to choose from: those that have just ended, and cgroups that could not be removed, are there too. */
export const candidateLimit = 2 * containerLimit;

/** From more rows on, of the answer and the one before it, its end is decoded in steps; a node with 110 pods has fewer. */
export const longFromRows = 640;

/** Rows that are looked at in one step of a decoding, which takes less than a millisecond. */
export const rowsPerStep = 128;

/** Characters of the labels that are kept of new rows; a container's are some 400. */
export const textLimit = 8 * 1024 * 1024;

/** Pods of one name and different UIDs, or lines of one container; two or three are there while one pod follows the other. */
export const namesakeLimit = 64;

/** Lines of containers beside the first one, in all. */
export const otherLineLimit = 4_096;

/** An answer with more than a kubelet has to say. */
export class AnswerTooLongError extends Error {
  override readonly name = 'AnswerTooLongError';
}

/** @throws AnswerTooLongError where the count is above the limit. @param what is counted, in the plural. */
export function checkCount(count: number, limit: number, what: string): void {
  if (count > limit) throw new AnswerTooLongError(`more than ${limit} ${what}`);
}

/** Counts what one answer brings in. */
export class AnswerBudget {
  #samples = 0;
  #texts = 0;

  /** @throws AnswerTooLongError */
  sample(): void {
    this.#samples += 1;
    checkCount(this.#samples, sampleLimit, 'samples that were not there before');
  }

  /** @throws AnswerTooLongError */
  text(characters: number): void {
    this.#texts += characters;
    checkCount(this.#texts, textLimit, 'characters of labels');
  }

  /** @param rows how many there are with the new one. @throws AnswerTooLongError */
  row(rows: number, characters: number): void {
    checkCount(rows, rowLimit, 'rows');
    this.text(characters);
  }
}
