/** Times of the API, and how long usages take. */

/** Milliseconds until a new container has a usage: two samples of a kubelet and two scrapes, and what a busy node adds. */
const firstUsageMs = 90_000;
/**
 * The same where usages come from Prometheus, in milliseconds: its scrape interval is a minute by default, a rate needs two
 * samples within the window of the rules, and a scrape may fail.
 */
const firstPrometheusUsageMs = 300_000;

/** Returns the milliseconds until a new container has a usage. @param servesPrometheus whether metrics.k8s.io comes from Prometheus. */
export function firstUsageMsOf(servesPrometheus: boolean): number {
  return servesPrometheus ? firstPrometheusUsageMs : firstUsageMs;
}

/** Milliseconds. Servers drop usages after 45 s, or twice the interval between samples of slow nodes. */
export const oldUsageMs = 180_000;

/** Returns milliseconds since the epoch; undefined for anything but an RFC 3339 text. */
export function parseTimeMs(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}
