/** Limits of one response beside its bytes: neither rows nor texts exhaust CPU or memory. */

/** Samples not matched by position: four per new row; with old kubelets, one per core. */
export const sampleLimit = 131_072;

/** Rows of a response and the previous one; a node with 500 pods has 4,000. */
export const rowLimit = 32_768;

/** Kubernetes is tested with 500 pods a node; some clusters run 2,500. */
export const containerLimit = 5_000;

/** Also ended containers and leaked cgroups. */
export const candidateLimit = 2 * containerLimit;

/** Rows, of a response and the previous one, from which its end takes steps; a node with 110 pods has fewer. */
export const longFromRows = 640;

/** A step takes less than a millisecond. */
export const rowsPerStep = 128;

/** Characters of new rows' labels; a container has some 400. */
export const textLimit = 8 * 1024 * 1024;

/** Pods of one name, or lines of one container; two or three while one pod follows another. */
export const namesakeLimit = 64;

/** All lines of containers beside the first one of each. */
export const otherLineLimit = 4_096;

/** A response above a limit. */
export class AnswerTooLongError extends Error {
  override readonly name = 'AnswerTooLongError';
}

/** Throws AnswerTooLongError above the limit. */
export function checkCount(count: number, limit: number, what: string): void {
  if (count > limit) throw new AnswerTooLongError(`more than ${limit} ${what}`);
}

/** Counts what one response adds; throws AnswerTooLongError. */
export class AnswerBudget {
  #samples = 0;
  #texts = 0;

  sample(): void {
    this.#samples += 1;
    checkCount(this.#samples, sampleLimit, 'samples that were not there before');
  }

  text(characters: number): void {
    this.#texts += characters;
    checkCount(this.#texts, textLimit, 'characters of labels');
  }

  row(rows: number, characters: number): void {
    checkCount(rows, rowLimit, 'rows');
    this.text(characters);
  }
}
