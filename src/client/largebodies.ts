/** Reads large bodies one after another: while one is parsed, it takes several times its bytes. */
import { untilAborted } from '../abort.ts';

/** One body. Disposing of it lets the next large one go on. */
export interface BodyTurn extends Disposable {
  /** Waits before the body becomes large while another one is. @param bytes so far. @throws the signal's reason. */
  grow(bytes: number): Promise<void> | undefined;
}

export class LargeBodies {
  readonly #largeBytes: number;
  /** Settles once all large bodies up to now are done. */
  #done: Promise<void> = Promise.resolve();

  /** @param largeBytes up to which bodies never wait. */
  constructor(largeBytes: number) {
    this.#largeBytes = largeBytes;
  }

  turn(signal: AbortSignal): BodyTurn {
    const { promise, resolve } = Promise.withResolvers<void>();
    let isLarge = false;
    return {
      grow: (bytes) => {
        if (isLarge || bytes <= this.#largeBytes) return undefined;
        isLarge = true;
        const previous = this.#done;
        this.#done = previous.then(() => promise);
        return untilAborted(previous, signal);
      },
      [Symbol.dispose]: resolve,
    };
  }
}
