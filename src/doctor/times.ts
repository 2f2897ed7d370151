/** Times of the API. */

/** Returns milliseconds since the epoch; undefined for anything but an RFC 3339 text. */
export function parseTimeMs(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}
