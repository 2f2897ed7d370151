/** Writes numbers as people read them. */

/**
 * Returns cores: `936m` below one core, `1.25`, `12.5`, `128`.
 * @param {number} value
 */
export function coresText(value) {
  const milli = Math.round(value * 1000);
  if (milli === 0) return value > 0 ? '<1m' : '0';
  if (milli < 1000) return `${milli}m`;
  if (value < 9.995) return value.toFixed(2);
  return value < 99.95 ? value.toFixed(1) : grouped(Math.round(value));
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/**
 * Returns bytes with three digits: `180 MiB`, `3.35 GiB`.
 * @param {number} value
 */
export function bytesText(value) {
  let unit = 0;
  let rest = value;
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || rest >= 99.95 ? 0 : rest >= 9.995 ? 1 : 2;
  return `${rest.toFixed(digits)} ${units[unit]}`;
}

/**
 * Returns a ratio as `45%`.
 * @param {number} ratio
 */
export const percentText = (ratio) => `${grouped(Math.round(ratio * 100))}%`;

/** @param {number} value */
export const plainText = (value) =>
  Number.isInteger(value) ? grouped(value) : value.toLocaleString('en', { maximumSignificantDigits: 4 });

/** @param {number} value */
export const grouped = (value) => value.toLocaleString('en');

/**
 * Returns a length of time in its largest unit: `14 s`, `3 min`, `2 h`, `5 d`.
 * @param {number} seconds
 */
export function ageText(seconds) {
  if (seconds < 0.5) return '0 s';
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  if (seconds < 99.5 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 47.5 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const minutes = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** @param {number} ms since the epoch */
export const clockText = (ms) => clock.format(ms);
/** @param {number} seconds since the epoch */
export const minuteText = (seconds) => minutes.format(seconds * 1000);

/**
 * Returns `1 pod`, `3 pods`.
 * @param {number} count @param {string} noun
 */
export const counted = (count, noun) => `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;

/**
 * Returns `12 pods`, or `3 of 12 pods` where not all are shown.
 * @param {number} shown @param {number} all @param {string} noun
 */
export const countedOf = (shown, all, noun) =>
  shown === all ? counted(all, noun) : `${grouped(shown)} of ${counted(all, noun)}`;

/**
 * Returns used / of, or undefined where one is missing or `of` is 0.
 * @param {number | undefined} used @param {number | undefined} of
 */
export const ratioOf = (used, of) => (used === undefined || of === undefined || of === 0 ? undefined : used / of);

/**
 * Reports whether there is a number.
 * @param {{ readonly cpu: import('../../view/types.ts').ResourceView, readonly memory: import('../../view/types.ts').ResourceView }} view
 */
export const hasUsage = ({ cpu, memory }) => cpu.used !== undefined || memory.used !== undefined;

/** Seconds from which a usage is marked as old, as in `kubegauge top`: metrics-server scrapes every minute by default, and the page reads twice a minute. */
export const oldSeconds = 120;

/**
 * Returns how a share of what can be used up is marked, as in `kubegauge top`.
 * @param {number} ratio
 */
export const levelOf = (ratio) => (ratio >= 0.9 ? 'hot' : ratio >= 0.75 ? 'warm' : 'cool');

/**
 * Returns why ratioOf returns none.
 * @param {number | undefined} used @param {number | undefined} of
 * @param {string} bound such as `CPU limit`
 * @param {string} [reason] why there is no usage
 */
export const whyNoShare = (used, of, bound, reason = 'no usage') =>
  used === undefined && of !== undefined ? reason : `no ${bound} is set`;

/**
 * Returns what is compared with the request: what containers without one use does not count. Undefined where a container has no usage.
 * @param {import('../../view/types.ts').ResourceView} view
 */
export const usedOfRequest = ({ used, usedWithRequest = used, isPartial }) =>
  isPartial === true ? undefined : usedWithRequest;

/**
 * Returns what is compared with the limit; undefined where a container has no usage.
 * @param {import('../../view/types.ts').ResourceView} view
 */
export const usedOfLimit = ({ used, isPartial }) => (isPartial === true ? undefined : used);

const names = new Intl.Collator('en', { numeric: true });
/** Orders names, `node-2` before `node-10`. @param {string} a @param {string} b */
export const compareNames = (a, b) => names.compare(a, b);

/** How each resource is written. */
export const resources = /** @type {const} */ ({
  cpu: { title: 'CPU', text: coresText, unit: 'cores' },
  memory: { title: 'Memory', text: bytesText, unit: '' },
});

/** @typedef {keyof typeof resources} ResourceName */
