/** What one answer of a kubelet may be at most; whatever is more ends the connection. */

/**
 * Of a body, on the wire and inflated. 110 pods of two containers are 12 MB of text, leaked cgroups were seen to make it 128 MB; more than this is a mistake, not
 * a metric.
 */
export const bodyLimitBytes = 64 * 1024 * 1024;

/** Bytes that are kept of an answer other than 200, to explain it: a Status of kube-apiserver, or the first words of an error. */
export const refusalLimitBytes = 64 * 1024;

/** Bytes that a reader of a long answer is given at a time: between two pieces the clock is looked at. */
export const pieceBytes = 16 * 1024;

/** Of heads and trailers together; those of a kubelet are a few hundred bytes. */
export const headLimitBytes = 64 * 1024;
