/** The only conversion of a measured number into the thousandths that the APIs serve. */

/**
 * Returns thousandths, truncated toward zero as prometheus-adapter does: 1.9999 is 1999, 1.005 is 1004.
 * @returns undefined for NaN, infinities and numbers from 2^63/1000 up, which no quantity in thousandths can express.
 */
export function milliOf(value: number): bigint | undefined {
  const milli = Math.trunc(value * 1000);
  return Math.abs(milli) < milliLimit ? BigInt(milli) : undefined;
}

/** Go's int64. NaN is not below it either. */
export const milliLimit = 2 ** 63;
