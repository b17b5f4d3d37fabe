// The two 16-bit encodings of floating-point numbers, held as their bits: not every browser has an array of them.

/** Exponent and fraction bits, and what the exponent is biased by. */
export interface Half {
  readonly exponent: number;
  readonly fraction: number;
  readonly bias: number;
}

export const F16: Half = { exponent: 5, fraction: 10, bias: 15 };
export const BF16: Half = { exponent: 8, fraction: 7, bias: 127 };

/** The number, exactly. */
export function widen(format: Half, bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const fraction = bits & ((1 << format.fraction) - 1);
  const exponent = (bits & 0x7fff) >> format.fraction;
  if (exponent === (1 << format.exponent) - 1) return fraction === 0 ? sign * Infinity : NaN;
  const scale = 2 ** (Math.max(exponent, 1) - format.bias - format.fraction);
  return sign * (exponent === 0 ? fraction : fraction + (1 << format.fraction)) * scale;
}

/** The bits of the nearest number, ties to even. */
export function narrow(format: Half, value: number): number {
  const infinity = ((1 << format.exponent) - 1) << format.fraction;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  if (Number.isNaN(value)) return infinity | (1 << (format.fraction - 1));
  const magnitude = Math.abs(value);
  if (magnitude === Infinity) return sign | infinity;
  const least = 1 - format.bias;
  let exponent = Math.max(least, Math.floor(Math.log2(magnitude || 2 ** least)));
  if (2 ** exponent > magnitude && exponent > least) exponent -= 1;
  const units = magnitude / 2 ** (exponent - format.fraction);
  const below = Math.floor(units);
  const rest = units - below;
  const whole = below + (rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? 1 : 0);
  // A normal number's leading bit counts once in the exponent.
  return sign | Math.min(infinity, ((exponent - least) << format.fraction) + whole);
}
