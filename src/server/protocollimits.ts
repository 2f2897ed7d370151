/** Limits of one connection: headers, URL, and HTTP/2. */

/** As in Go's servers; users in hundreds of groups need them. */
export const headerLimitBytes = 1024 * 1024;
export const headerPairLimit = 5000;

/**
 * Fits a selector of a thousand names; longer URLs get 414. nghttp2 decodes no longer header (`NGHTTP2_HD_MAX_NV`) and
 * ends the connection. Go's servers count the URL among the headers' 1 MiB.
 */
export const urlLimitBytes = 65_536;

/**
 * Exceeding these ends the connection. kube-apiserver's carries the requests, and resets, of all its clients: honest
 * traffic must stay below.
 */
export const http2Limits = {
  settings: {
    maxHeaderListSize: headerLimitBytes,
    // Headers must fit into one frame: nghttp2 takes a ninth CONTINUATION for an attack.
    maxFrameSize: headerLimitBytes,
    // As k8s.io/apiserver. Go's clients open at most 100 streams before they receive it.
    maxConcurrentStreams: 100,
  },
  maxHeaderListPairs: headerPairLimit,
  /** Allows spaces around values, as Go; otherwise Node drops such headers silently, Authorization included. */
  strictFieldWhitespaceValidation: false,
  /** Stream resets in one burst, and then per second ("rapid reset", CVE-2023-44487). */
  streamResetBurst: 1000,
  streamResetRate: 33,
  /** Per connection; and consecutive streams beyond the concurrent ones. */
  maxSessionInvalidFrames: 1000,
  maxSessionRejectedStreams: 100,
  /**
   * Megabytes per connection with unread responses; beyond, streams are refused. Several lists of 40 MB may wait on
   * kube-apiserver's: this only protects the process.
   */
  maxSessionMemory: 1024,
  /** Entries in one SETTINGS frame; and unanswered PINGs of ours. */
  maxSettings: 32,
  maxOutstandingPings: 10,
  /** Milliseconds for a client that speaks neither protocol. */
  unknownProtocolTimeout: 10_000,
} as const;
