/** How much clients may make the server hold: the limits of connections, bytes and waiting, each with its reason. */

/** Connections at once. A cluster has some kube-apiservers, Prometheus and dashboards; an idle TLS connection costs about 100 KiB. */
export const connectionLimit = 1000;

/** Bytes that may wait on all connections together: requests, and answers that their clients have not taken. */
export const waitingBytesLimit = 128 * 1024 * 1024;

/** Bytes that may wait on a connection with authenticated requests; beyond, its new requests are answered by 429. It may be kube-apiserver's, with everybody's requests. */
export const connectionWaitingBytesLimit = 64 * 1024 * 1024;

/** Bytes that may wait on any other connection: three requests with headers of 1 MiB, or 170 refusals over HTTP/2. Beyond, it is closed. */
export const strangerWaitingBytesLimit = 4 * 1024 * 1024;

/**
 * Bytes that a request holds beside its head and the body of its answer: objects of Node, fastify and ours. Measured as resident memory, 5 KB over
 * HTTP/1.1 (9,600 pipelined requests) and 21 KB over HTTP/2 (32,000 streams without a window).
 */
export const requestOverheadBytes = { http1: 8 * 1024, http2: 24 * 1024 } as const;

/** Requests by one HTTP/1.1 connection that may wait for the end of their answers. Go's servers read one after the other; browsers and Go's clients pipeline none. */
export const pipelineLimit = 16;

/** Requests by one HTTP/1.1 connection of a stranger that may wait for their turn. All connections may send theirs at the same moment. */
export const strangerPipelineLimit = 8;

/** Milliseconds that the kernel or the HTTP/2 window may take for one piece of an answer, at most 240 KiB. */
export const writeDeadlineMs = 30_000;

/** Milliseconds between looks at what strangers have sent without a request. */
export const sweepIntervalMs = 1_000;

/** Milliseconds that requests under way may hold up the end of the server: the kubelet kills it 30 s after SIGTERM by default. */
export const drainLimitMs = 15_000;
