/** Limits of the server of `kubegauge ui`. It serves the browsers of one user. */

/** A browser opens six per tab that loads; further connections are closed. */
export const connectionLimit = 64;

/** Longer URLs get 414: a selector of a hundred names fits. */
export const urlLimitBytes = 8 * 1024;

/** Of all headers of a request. */
export const headerLimitBytes = 16 * 1024;

/** Headers per request. */
export const headerCountLimit = 64;

/** Milliseconds for the headers of a request. */
export const headersTimeoutMs = 10_000;

/** Milliseconds that an idle connection stays: longer than the page waits between two polls. */
export const idleTimeoutMs = 60_000;

/** Answers that are read from kube-apiserver at the same time. */
export const readLimit = 6;

/** Answers that wait for one of them; beyond, 429. */
export const waitingReadLimit = 32;

/** Milliseconds until a request gets 504. The read goes on, and equal requests join it. */
export const readTimeoutMs = 30_000;

/** Of one answer: a page of 500 pods of five containers is 1 MB. */
export const answerLimitBytes = 16 * 1024 * 1024;

/** Milliseconds that an answer is good for equal requests: those of other tabs, and of the collector. */
export const answerLifetimeMs = 2_000;

/** Answers, and their bytes, that are kept for equal requests. */
export const keptAnswerLimit = 64;
export const keptAnswersLimitBytes = 64 * 1024 * 1024;

/** Browsers with a session. The oldest session ends for another. */
export const sessionLimit = 8;

/** Used links that are recognised, so that the second use of one ends its session. */
export const usedLinkLimit = 64;

/** Bytes of all files of the page, and how many there may be. */
export const pageLimitBytes = 8 * 1024 * 1024;
export const pageFileLimit = 300;

/** Seconds of history: what `--history` keeps by default in the server. */
export const historySeconds = 3_600;

/** Seconds between two reads of the collector and of the page: kubegauge's and metrics-server's resolution. */
export const refreshSeconds = 15;

/** Nodes, and containers, whose usage is collected: 10 KB each after an hour. */
export const usageSeriesLimit = 5_000;

/** Autoscalers whose metrics are collected, and metrics of each. */
export const autoscalerSeriesLimit = 1_000;
export const metricSeriesLimit = 10;

/** Pods per page of a list. */
export const podPageLimit = 500;

/** Milliseconds that the findings of doctor are good for. */
export const healthLifetimeMs = 60_000;
