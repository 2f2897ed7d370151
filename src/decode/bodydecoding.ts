/** Decodes one body as it arrives, by the fast path or the slow path. */
import { ExpositionError } from '../exposition/sample.ts';
import type { NodeBatch } from '../sample/batch.ts';
import type { Borrowed } from '../sample/borrowed.ts';
import type { ExpositionReader } from './contenttype.ts';
import type { Doubts } from './dialect.ts';
import { AnswerTooLongError } from './limits.ts';
import type { AnswerTime } from './sampletime.ts';
import { runAtOnce, type Steps } from './steps.ts';

export type DecodeResult =
  | {
      readonly kind: 'batch';
      readonly batch: NodeBatch;
      /** False if the kubelet ignores `name[]`. */
      readonly filtered: boolean;
      /** Undefined for /metrics/resource, which has all that the runtime knows. */
      readonly doubts: Doubts | undefined;
    }
  | {
      /**
       * - unusable: another endpoint may do;
       * - too-long: above any node's;
       * - malformed: the next body may be whole;
       * - too-brief: constants that the request left out are needed.
       */
      readonly kind: 'unusable' | 'too-long' | 'malformed' | 'too-brief';
      readonly reason: string;
    };

/** One body while it arrives. */
export interface Decoding {
  write(chunk: Borrowed<Buffer>): boolean;
  finish(time: AnswerTime): DecodeResult;
  readonly isLong: boolean;
  /** `finish` in steps. */
  finishing(time: AnswerTime): Steps<DecodeResult>;
}

/** The facts about a body that has ended. */
export interface EndedBody {
  readonly filtered: boolean;
  readonly isWhole: boolean;
  readonly time: AnswerTime;
}

/** How a body is decoded once it has ended. */
export interface DecodingPaths {
  /** Returns undefined to fall back. */
  readonly fast: (ended: EndedBody) => DecodeResult | undefined;
  readonly slow: (filtered: boolean, time: AnswerTime) => Steps<DecodeResult>;
  readonly release: () => void;
}

/** Decodes one body. */
export class BodyDecoding implements Decoding {
  readonly isLong: boolean;
  readonly #reader: ExpositionReader;
  readonly #paths: DecodingPaths;
  #broken: DecodeResult | undefined;
  #filtered = false;

  constructor(reader: ExpositionReader, isLong: boolean, paths: DecodingPaths) {
    this.#reader = reader;
    this.isLong = isLong;
    this.#paths = paths;
  }

  write(chunk: Borrowed<Buffer>): boolean {
    try {
      this.#reader.write(chunk);
    } catch (error) {
      this.#broken = refusal(error);
    }
    return this.#broken === undefined && !this.#reader.hasEnough;
  }

  finish(time: AnswerTime): DecodeResult {
    return this.#takeFast(time) ?? runAtOnce(this.#takeSlow(time));
  }

  *finishing(time: AnswerTime): Steps<DecodeResult> {
    return this.#takeFast(time) ?? (yield* this.#takeSlow(time));
  }

  /** Fast path, without a generator, which would cost a small body 1 %. Returns undefined to fall back. */
  #takeFast(time: AnswerTime): DecodeResult | undefined {
    let decoded = this.#broken;
    try {
      decoded ??= this.#paths.fast(this.#end(time));
    } catch (error) {
      decoded = refusal(error);
    }
    if (decoded !== undefined) this.#paths.release();
    return decoded;
  }

  *#takeSlow(time: AnswerTime): Steps<DecodeResult> {
    try {
      return yield* this.#paths.slow(this.#filtered, time);
    } catch (error) {
      return refusal(error);
    } finally {
      this.#paths.release();
    }
  }

  #end(time: AnswerTime): EndedBody {
    this.#filtered = !this.#reader.end().hasOtherFamilies;
    return { filtered: this.#filtered, isWhole: !this.#reader.hasEnough, time };
  }
}

function refusal(error: unknown): DecodeResult {
  if (error instanceof AnswerTooLongError) return { kind: 'too-long', reason: error.message };
  if (error instanceof ExpositionError) return { kind: 'malformed', reason: `malformed body: ${error.message}` };
  throw error;
}
