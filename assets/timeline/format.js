// Numbers for readers, and the round numbers along an axis.

/** @import { Axis, Tick } from "./types.d.ts" */

/** @type {Record<string, string>} */
const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

export function power10(/** @type {number} */ exponent) {
  return `10${[...String(exponent)].map((c) => SUPERSCRIPT[c]).join("")}`;
}

/** A number for readers: 0.5012, −1.204, 4.036×10⁻⁵. */
export function format(/** @type {number} */ value, digits = 4) {
  const size = Math.abs(value);
  const sign = value < 0 ? "−" : "";
  if (size === 0) return (0).toFixed(digits - 1);
  if (size >= 0.99995e-3 && size < 99999.5) {
    const text = size.toPrecision(digits);
    return sign + (text.includes("e") ? String(Math.round(size)) : text); // 18338, and 9999.99 that rounds up
  }
  const [mantissa, exponent] = size.toExponential(digits - 1).split("e");
  return `${sign}${mantissa}×${power10(Number(exponent))}`;
}

/** A number with so many decimals, so that what is made of printed numbers is what is printed; below 0: none is shown. */
export function rounded(/** @type {number} */ value, /** @type {number} */ decimals) {
  if (decimals < 0) return "–";
  if (Math.abs(value) >= 1e5) return format(value, decimals + 4);
  const text = Math.abs(value).toFixed(decimals);
  return (value < 0 && Number(text) > 0 ? "−" : "") + text;
}

/** A tick's label: short. */
export function formatTick(/** @type {number} */ value) {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return format(value, 1);
  return String(value).replace("-", "−");
}

/** About `n` round numbers between low and high. */
export function ticks(/** @type {number} */ low, /** @type {number} */ high, /** @type {number} */ n) {
  const rough = (high - low) / n;
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((m) => m * power >= rough * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/**
 * An axis with about `n` ticks.
 * @param {number} low
 * @param {number} high
 * @param {number} n
 * @returns {Axis}
 */
export function axis(low, high, n) {
  return { low, high, ticks: ticks(low, high, n).map((value) => /** @type {Tick} */ ([value, formatTick(value)])) };
}
