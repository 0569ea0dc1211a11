// What the charts count and work out before anything is drawn: bins, bells, and the extent of curves.

/** @import { Axis, HistogramSpec, PieceSpec, Tick, Values } from "./types.d.ts" */

import { axis, power10 } from "./format.js";

const FINE = 4; // points of the exact curve for each bin

/** The bins of one component of a track's points, or of all its values. */
export class Bins {
  /**
   * @param {Pick<HistogramSpec, "bins" | "domain" | "component">} spec
   * @param {number} pointWidth numbers a point
   */
  constructor({ bins, domain: [low, high], component }, pointWidth) {
    this.low = low;
    this.high = high;
    this.width = (high - low) / bins;
    this.first = component ?? 0;
    this.stride = component === null ? 1 : pointWidth;
    this.counts = new Int32Array(bins);
    this.heights = new Float64Array(bins);
  }

  /** Heights of a density; what lies outside counts for the whole. */
  count(/** @type {Values} */ values) {
    const { low, first, stride, counts, heights } = this;
    const [bins, perUnit] = [counts.length, 1 / this.width];
    counts.fill(0);
    for (let i = first; i < values.length; i += stride) {
      const place = (values[i] - low) * perUnit;
      if (place >= 0 && place < bins) counts[place | 0]++;
    }
    for (let k = 0; k < bins; k++) heights[k] = (counts[k] * stride * perUnit) / values.length;
    return heights;
  }

  /**
   * Means of a density over a window one bin wide, at FINE places a bin: the expected height of a bin.
   * @param {{ line(p: number, from: number, width: number, count: number): Float64Array }} mixture
   * @param {number} p
   */
  expected(mixture, p) {
    const { low, width } = this;
    const bins = this.counts.length;
    const fine = mixture.line(p, low - width / 2, width / FINE, FINE * (bins + 1));
    const out = new Float64Array(FINE * bins + 1);
    let sum = 0;
    for (let i = 0; i < fine.length; i++) {
      sum += fine[i] - (i >= FINE ? fine[i - FINE] : 0);
      if (i >= FINE - 1) out[i - FINE + 1] = Math.max(0, sum / FINE);
    }
    return out;
  }

  /** Where point i of the expected curve lies. */
  placeOnCurve(/** @type {number} */ i) {
    return this.low + (i * this.width) / FINE;
  }

  /** The place in `values` of the one nearest to a value. */
  nearest(/** @type {Values} */ values, /** @type {number} */ value) {
    let found = this.first;
    for (let i = found; i < values.length; i += this.stride) {
      if (Math.abs(values[i] - value) < Math.abs(values[found] - value)) found = i;
    }
    return found;
  }
}

/**
 * exp(-(x - mean)^2 / (2 variance)) at even places from low to high, into out; variance 0 is a spike.
 * @param {Float64Array} out
 * @param {{ low: number, high: number }} domain
 * @param {number} mean
 * @param {number} variance
 */
export function bell(out, { low, high }, mean, variance) {
  const step = (high - low) / (out.length - 1);
  const nearest = Math.round((mean - low) / step);
  for (let i = 0; i < out.length; i++) {
    out[i] = variance > 0 ? Math.exp(-((low + i * step - mean) ** 2) / (2 * variance)) : Number(i === nearest);
  }
  return out;
}

/**
 * Where bells lie, 3.5 deviations to each side, and handles with some room; no further than reach from 0.
 * @param {{ mean: number, variance: number }[]} bells
 * @param {number[]} handles
 * @param {number} reach
 */
export function fit(bells, handles, reach) {
  const ends = (/** @type {1 | -1} */ side) => [
    ...bells.map(({ mean, variance }) => mean + side * 3.5 * Math.sqrt(variance)),
    ...handles.map((value) => value + side * 0.3),
  ];
  return { low: Math.max(-reach, smallest(ends(-1))), high: Math.min(reach, largest(ends(1))) };
}

/** The largest of many numbers, more than a call has room for. */
export function largest(/** @type {Iterable<number>} */ values) {
  let top = -Infinity;
  for (const value of values) top = Math.max(top, value);
  return top;
}

/** The smallest of many numbers. */
export function smallest(/** @type {Iterable<number>} */ values) {
  let least = Infinity;
  for (const value of values) least = Math.min(least, value);
  return least;
}

/** The axis of t: the positions themselves where they only rise or only fall, else their numbers. */
export function timesOf(/** @type {number[]} */ positions) {
  const way = Math.sign(positions[1] - positions[0]);
  const steady = positions.every((t, i) => i === 0 || Math.sign(t - positions[i - 1]) === way);
  return steady && positions.length > 1 ? positions : positions.map((_, i) => i);
}

/**
 * The axis of curves over t: from 0 where nothing is negative; in powers of ten where the values are logarithms.
 * @param {number[]} values finite
 * @param {boolean} log
 * @returns {Axis}
 */
export function valueAxis(values, log) {
  let [low, high] = [smallest(values), largest(values)];
  if (!(low <= high)) [low, high] = [0, 1];
  if (!log && low > 0) low = 0;
  if (high === low) high = low + 1;
  if (!log) return axis(low, high, 4);
  const step = Math.max(1, Math.ceil((high - low) / 5));
  const from = Math.ceil(low / step) * step;
  const powers = Array.from({ length: Math.max(0, Math.floor((high - from) / step) + 1) }, (_, i) => from + i * step);
  return { low, high, ticks: powers.map((e) => /** @type {Tick} */ ([e, power10(e)])) };
}

/**
 * Pieces one after the other, from 0 on: where each begins and ends.
 * @param {Pick<PieceSpec, "value">[]} pieces
 */
export function oneAfterAnother(pieces) {
  let sum = 0;
  return pieces.map(({ value }) => {
    const from = sum;
    sum += value;
    return { from, to: sum };
  });
}
