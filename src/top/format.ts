/** Numbers as people read them. */

/** Returns `250m`, or `12.5` from 10 cores on. */
export function coresText(cores: number): string {
  return cores < 9.9995 ? `${Math.round(cores * 1000)}m` : cores.toFixed(1);
}

const kibi = 1024;

/** Returns `820Ki`, `512Mi`, or `12.5Gi` from 10 Gi on. */
export function bytesText(bytes: number): string {
  if (bytes < kibi ** 2) return `${Math.ceil(bytes / kibi)}Ki`;
  if (bytes < 10 * kibi ** 3) return `${Math.round(bytes / kibi ** 2)}Mi`;
  return bytes < 10 * kibi ** 4 ? `${(bytes / kibi ** 3).toFixed(1)}Gi` : `${(bytes / kibi ** 4).toFixed(1)}Ti`;
}

/** Returns `12s`, `3m`, `5h`, `4d`. */
export function ageText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole}s`;
  if (whole < 7_200) return `${Math.round(whole / 60)}m`;
  return whole < 172_800 ? `${Math.round(whole / 3_600)}h` : `${Math.round(whole / 86_400)}d`;
}

/** Seconds from which an age is marked: servers scrape every 15 s, and metrics-server every minute. The page of `kubegauge ui` has the same. */
export const oldSeconds = 120;

/** Returns a share of 1; undefined unless both are known, and the whole is not 0. */
export function shareOf(part: number | undefined, whole: number | undefined): number | undefined {
  return part === undefined || whole === undefined || whole === 0 ? undefined : part / whole;
}

/** Shares from which a number is marked. */
const highShare = 0.75;
const fullShare = 0.9;

/** Returns how a share of what can be used is marked, in a tone and, to be read without colour, in a character. */
export function markOf(share: number): { readonly tone: 'plain' | 'warning' | 'bad'; readonly mark: string } {
  if (share >= fullShare) return { tone: 'bad', mark: '!' };
  return share >= highShare ? { tone: 'warning', mark: '+' } : { tone: 'plain', mark: ' ' };
}

export function percentText(share: number): string {
  return `${Math.round(share * 100)}%`;
}

const blocks = '▁▂▃▄▅▆▇█';
const ascii = '_.-:=+*#';

/** Returns the last values as bars, from 0 to the largest of them; undefined is a gap. */
export function sparkline(values: readonly (number | undefined)[], columns: number, isUnicode: boolean): string {
  const shown = values.slice(-columns);
  const most = Math.max(...shown.map((value) => value ?? 0));
  const bars = isUnicode ? blocks : ascii;
  return shown
    .map((value) =>
      value === undefined
        ? ' '
        : bars[most <= 0 ? 0 : Math.min(bars.length - 1, Math.floor((value / most) * bars.length))],
    )
    .join('');
}

/** Returns `[####....]` of so many columns between the brackets. */
export function barText(share: number, columns: number): string {
  const full = Math.max(0, Math.min(columns, Math.round(share * columns)));
  return `[${'#'.repeat(full)}${'.'.repeat(columns - full)}]`;
}
