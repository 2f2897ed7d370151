/** Limits of what one connection may send: headers, URL, and the use of HTTP/2. */

/** Bytes, as in Go's servers; users in hundreds of groups have headers of that size. */
export const headerLimitBytes = 1024 * 1024;
export const headerPairLimit = 5000;

/**
 * Bytes of a URL; longer ones are answered by 414. A selector of a thousand names fits. It is the longest header that nghttp2 decodes (`NGHTTP2_HD_MAX_NV`,
 * a constant of its source): a longer one ends an HTTP/2 connection. Go's servers count the URL among the headers' 1 MiB.
 */
export const urlLimitBytes = 65_536;

/**
 * HTTP/2. Exceeding these ends the connection, and kube-apiserver sends the requests of all its clients over one, and resets those that its clients
 * cancel: honest traffic must stay below.
 */
export const http2Limits = {
  settings: {
    maxHeaderListSize: headerLimitBytes,
    // Headers must fit into one frame: nghttp2 takes a ninth CONTINUATION for an attack and ends the connection.
    maxFrameSize: headerLimitBytes,
    // As k8s.io/apiserver. Go's clients open at most 100 streams before they have received this setting.
    maxConcurrentStreams: 100,
  },
  maxHeaderListPairs: headerPairLimit,
  /** Values may begin and end with spaces, as in Go; otherwise Node drops such a header silently, Authorization included. */
  strictFieldWhitespaceValidation: false,
  /** Stream resets in one burst, and per second after that ("rapid reset", CVE-2023-44487). */
  streamResetBurst: 1000,
  streamResetRate: 33,
  /** Invalid frames in the life of a connection, and streams in a row that were opened beyond the concurrent ones. */
  maxSessionInvalidFrames: 1000,
  maxSessionRejectedStreams: 100,
  /**
   * Megabytes of one connection, unread responses included; beyond, new streams are refused. Several lists of 40 MB may wait on kube-apiserver's, so this
   * only prevents the end of the process.
   */
  maxSessionMemory: 1024,
  /** Entries in one SETTINGS frame, and our PINGs without a response. */
  maxSettings: 32,
  maxOutstandingPings: 10,
  /** Milliseconds for a client that speaks neither protocol. */
  unknownProtocolTimeout: 10_000,
} as const;
