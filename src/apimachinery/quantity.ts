/** Formats Kubernetes quantities in canonical form: equal amounts have equal texts. Parses them as numbers. */

/** Formats CPU as DecimalSI: 250000000 is "250m", 24998015 is "24998015n". @param nanocores whole, not negative. */
export function formatDecimalNano(nanocores: number): string {
  return format(nanocores, 1000, nanoSuffixes);
}

/** Formats as BinarySI: 12640256 is "12344Ki", 5000000 stays "5000000". @param bytes whole, not negative. */
export function formatBinary(bytes: number): string {
  // Below one Ki, Kubernetes writes a binary quantity as a decimal one: 1000 is "1k".
  return bytes < 1024 ? format(bytes, 1000, decimalSuffixes) : format(bytes, 1024, binarySuffixes);
}

/** Formats as DecimalSI: 1500n is "1500m", 1000000n is "1k", -500n is "-500m". @param milli thousandths. */
export function formatDecimalMilli(milli: bigint): string {
  if (milli === 0n) return '0';
  let rest = milli;
  let power = 0;
  while (rest % 1000n === 0n && power < milliSuffixes.length - 1) {
    rest /= 1000n;
    power += 1;
  }
  return `${rest}${milliSuffixes[power] ?? ''}`;
}

const milliSuffixes = ['m', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const nanoSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const decimalSuffixes = ['', 'k'];
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** Divides by the base while nothing is lost; exact above 2^53 too, as a quotient never has more bits. */
function format(amount: number, base: number, suffixes: readonly string[]): string {
  if (amount === 0) return '0';
  let rest = amount;
  let power = 0;
  while (rest % base === 0 && power < suffixes.length - 1) {
    rest /= base;
    power += 1;
  }
  return `${digits(rest)}${suffixes[power] ?? ''}`;
}

/** Avoids rounding and exponents above 2^53. */
function digits(whole: number): string {
  return Number.isSafeInteger(whole) ? String(whole) : BigInt(whole).toString();
}

/** Returns the number of a quantity in any form that kube-apiserver accepts, such as `250m` or `1.5Gi`; undefined for anything else. */
export function parseQuantity(text: string): number | undefined {
  const match =
    /^([+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30}))(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?[0-9]{1,3}))?$/.exec(
      text,
    );
  if (match === null) return undefined;
  const [, digits = '', suffix = '', exponent = '0'] = match;
  const number = Number(digits) * 10 ** Number(exponent);
  if (suffix.endsWith('i')) return number * 1024 ** binarySuffixes.indexOf(suffix);
  const power = nanoSuffixes.indexOf(suffix) - nanoSuffixes.indexOf('');
  // Division by a whole number rounds once: 1997215655n is 1.997215655. 1000 ** -3 is rounded itself.
  return power < 0 ? number / 1000 ** -power : number * 1000 ** power;
}
