/** Bounds what one run of the doctor keeps in memory. */
import { UncheckedError } from './uncheckederror.ts';

/**
 * In bytes of JSON, of all lists and objects that a run keeps to its end. As objects they take some four times as much. 5,000 nodes without images are 40 MB;
 * from outside, 10,000 Deployments are 80 MB beside them.
 */
export const keptLimitBytes = { outside: 256 * 1024 * 1024, pod: 96 * 1024 * 1024 } as const;

export class KeptBytes {
  readonly #limit: number;
  #kept = 0;

  /** @param limit in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes the size of a value that is kept from now on. @throws UncheckedError if all that is kept were larger than the limit then. */
  take(path: string, value: unknown): number {
    const bytes = JSON.stringify(value)?.length ?? 0;
    if (this.#kept + bytes > this.#limit) {
      throw new UncheckedError(
        path,
        `what this run reads is larger than ${this.#limit / 1024 / 1024} MiB together, so this was not kept`,
      );
    }
    this.#kept += bytes;
    return bytes;
  }

  /** Gives back what is not kept any more. */
  release(bytes: number): void {
    this.#kept -= bytes;
  }
}
