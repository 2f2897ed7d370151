/** Limits of connections, of bytes that wait on them, and of waiting, each with its reason. */

/** Concurrent connections. A cluster needs a few dozen; an idle TLS connection costs about 100 KiB. */
export const connectionLimit = 1000;

/** Bytes that may wait on all connections together: requests, and unread responses. */
export const waitingBytesLimit = 128 * 1024 * 1024;

/** Bytes that may wait on an authenticated connection; beyond, its new requests are answered by 429. It may be kube-apiserver's, with requests of all users. */
export const connectionWaitingBytesLimit = 64 * 1024 * 1024;

/** Bytes that may wait on a stranger's connection: three requests with headers of 1 MiB, or 170 refusals over HTTP/2. Beyond, it is closed. */
export const strangerWaitingBytesLimit = 4 * 1024 * 1024;

/**
 * Bytes of the objects of one request. Measured as resident memory: 5 KB over HTTP/1.1 (9,600 pipelined requests), 21 KB over HTTP/2 (32,000 streams
 * without a window).
 */
export const requestOverheadBytes = { http1: 8 * 1024, http2: 24 * 1024 } as const;

/** Unanswered requests on one HTTP/1.1 connection. Go's servers read one after the other; browsers and Go's clients do not pipeline. */
export const pipelineLimit = 16;

/** Unanswered requests on one HTTP/1.1 connection of a stranger. All connections may send theirs at the same moment. */
export const strangerPipelineLimit = 8;

/** Milliseconds that the kernel or the HTTP/2 window may take to accept one piece of a response, at most 240 KiB. */
export const writeDeadlineMs = 30_000;

/** Milliseconds from the orderly end of a connection to its close: a client that does not read would keep it open. */
export const goodbyeMs = 5_000;

/** Milliseconds between two checks of what strangers have sent without a request. */
export const sweepIntervalMs = 1_000;

/** Milliseconds that requests in progress may delay the shutdown: by default, the kubelet kills the server 30 s after SIGTERM. */
export const drainLimitMs = 15_000;
