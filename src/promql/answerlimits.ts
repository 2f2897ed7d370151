/** Limits of what a PromQL engine may answer. */

export interface AnswerLimits {
  /** Bytes of a whole answer. It is read in pieces and not kept. */
  readonly bytes: number;
  /** Samples or series of an answer. */
  readonly elements: number;
  /** Bytes of one sample or series with its labels, as JSON. */
  readonly elementBytes: number;
  /** Bytes of all but the samples or series: status, warnings, statistics. */
  readonly envelopeBytes: number;
  /** Nested objects and arrays. */
  readonly depth: number;
}

/** A query for 1,500 pods has 200 KB; one that forgets to aggregate may have all series of a cluster. */
export const queryLimits: AnswerLimits = {
  bytes: 16 * 1024 * 1024,
  elements: 20_000,
  elementBytes: 64 * 1024,
  envelopeBytes: 256 * 1024,
  depth: 16,
};

/** 100,000 series are about 30 MB. A seriesQuery such as `{__name__=~"^container_.*"}` may match a million. */
export const seriesLimits: AnswerLimits = {
  bytes: 512 * 1024 * 1024,
  elements: 2_000_000,
  elementBytes: 64 * 1024,
  envelopeBytes: 256 * 1024,
  depth: 8,
};
