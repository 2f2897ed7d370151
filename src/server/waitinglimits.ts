/** Limits of connections, waiting bytes and times. */

/** A cluster needs a few dozen; an idle TLS connection costs about 100 KiB. */
export const connectionLimit = 1000;

/** Bytes of requests and unread responses, over all connections. */
export const waitingBytesLimit = 128 * 1024 * 1024;

/** Per authenticated connection; beyond, 429. It may be kube-apiserver's, with all users. */
export const connectionWaitingBytesLimit = 64 * 1024 * 1024;

/** Per stranger's connection, closed beyond: three requests with headers of 1 MiB, or 170 refusals over HTTP/2. */
export const strangerWaitingBytesLimit = 4 * 1024 * 1024;

/**
 * Bytes of a request's objects. Resident memory: 5 KB over HTTP/1.1 (9,600 pipelined requests), 21 KB over HTTP/2
 * (32,000 streams without a window).
 */
export const requestOverheadBytes = { http1: 8 * 1024, http2: 24 * 1024 } as const;

/** Unanswered, per HTTP/1.1 connection. Go's servers read one by one; browsers and Go's clients do not pipeline. */
export const pipelineLimit = 16;

/** All strangers may send theirs at the same moment. */
export const strangerPipelineLimit = 8;

/** Milliseconds to accept one piece, at most 240 KiB. */
export const writeDeadlineMs = 30_000;

/** Milliseconds from a connection's orderly end to its close. */
export const goodbyeMs = 5_000;

/** Milliseconds between two checks of what strangers have sent without a request. */
export const sweepIntervalMs = 1_000;

/** Milliseconds: by default, the kubelet kills the server 30 s after SIGTERM. */
export const drainLimitMs = 15_000;
