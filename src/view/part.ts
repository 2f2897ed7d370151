/** A part of a view that may be missing: a 403 on one list costs that part only. */
import { sentenceOf } from './viewerror.ts';

/** The value of a read, or why there is none. */
export interface PartRead<T> {
  readonly value: T | undefined;
  /** One sentence. */
  readonly problem: string | undefined;
}

/** @throws anything but a ViewError. */
export async function part<T>(pending: Promise<T>): Promise<PartRead<T>> {
  try {
    return { value: await pending, problem: undefined };
  } catch (error) {
    return { value: undefined, problem: sentenceOf(error) };
  }
}
