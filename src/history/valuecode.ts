/** Whole numbers in 12 bits: logarithmic, within 0.5 % and half a unit. */

/** The natural logarithm of the ratio of neighbours: the middle between them differs from both by 0.5 %. */
const step = 2 * Math.log(1.005);

/** No value. */
export const noValue = 0;
const zero = 1;
const one = 2;
const last = 4095;

/** By code. The greatest is 5e17: 490 million cores in nanocores, or 430 PiB. */
const values = Float64Array.from({ length: last + 1 }, (_, code) =>
  code < one ? 0 : Math.round(Math.exp((code - one) * step)),
);

/** @param value not negative; what exceeds the greatest value becomes that. */
export function encodeValue(value: number): number {
  if (!(value >= 1)) return zero;
  return Math.min(last, one + Math.round(Math.log(value) / step));
}

/** Returns 0 also for no value. */
export function decodeValue(code: number): number {
  return values[code]!;
}
