const GROUPED = new Intl.NumberFormat("en-US");

/** 46766 -> "46,766". */
export function count(value: number): string {
  return GROUPED.format(value);
}

/** "1 point", "2 points". */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** A share as a whole percentage that never rounds a remainder away: 0 % means none and 100 % means all. */
export function percent(share: number): string {
  const value = share * 100;
  if (value <= 0) return "0 %";
  if (value >= 100) return "100 %";
  if (value < 1) return "<1 %";
  if (value > 99) return ">99 %";
  return `${Math.round(value)} %`;
}

/** About `digits` significant digits, without trailing zeros and without an exponent where it stays readable. */
export function short(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e7) return value.toExponential(Math.max(0, digits - 1)).replace(/\.?0+e/, "e");
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  const text = value.toFixed(Math.min(20, decimals));
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** The same number at `digits` significant digits. */
export function rounded(value: number, digits: number): number {
  return value === 0 ? 0 : Number(value.toPrecision(digits));
}
