/** Size limits of one kubelet response. Exceeding one ends the connection. */

/**
 * Bytes of a body, on the wire and inflated. 110 pods of two containers take 12 MB of text; nodes with leaked cgroups were seen with 128 MB, which is a fault of the node
 * and not worth decoding.
 */
export const bodyLimitBytes = 64 * 1024 * 1024;

/** Bytes that are kept of a body whose status is not 200: a Status of kube-apiserver, or the first words of an error. */
export const errorBodyLimitBytes = 64 * 1024;

/** Bytes of a long response that are read before the clock is checked again. */
export const pieceBytes = 16 * 1024;

/** Bytes of the head and the trailers together. Kubelets send a few hundred. */
export const headLimitBytes = 64 * 1024;
