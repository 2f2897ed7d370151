/** Durations as Prometheus writes them: 5m, 1h30m, 1d. */

const unitMs: readonly number[] = [365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1_000, 1];

const pattern =
  /^(?:(\d{1,15})y)?(?:(\d{1,15})w)?(?:(\d{1,15})d)?(?:(\d{1,15})h)?(?:(\d{1,15})m)?(?:(\d{1,15})s)?(?:(\d{1,15})ms)?$/;

/** The nanoseconds of Go's int64. */
const limitMs = 2 ** 63 / 1e6;

/** Returns milliseconds; undefined for another text, such as a number without a unit. */
export function parsePrometheusDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const match = text === '' ? null : pattern.exec(text);
  if (match === null) return undefined;
  const parts: readonly (string | undefined)[] = match.slice(1);
  const ms = parts.reduce((sum, digits, index) => sum + Number(digits ?? 0) * (unitMs[index] ?? 0), 0);
  return ms < limitMs ? ms : undefined;
}
