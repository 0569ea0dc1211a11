// Exact mixtures: the density of a_p x_0 + N(0, v_p I) is sum_k w_k N(x; a_p m_k, (a_p^2 s_k + v_p) I).
// On a raster each cell gets its mean density, by differences of the normal distribution function: exact,
// without aliasing, and finite where a component has no width at all. In two dimensions a component is a product.

/** @import { Arrays, MixtureSpec, Values } from "./types.d.ts" */

const END = 8; // the table's reach, in standard deviations
const PER = 128; // nodes of the table in each of them
const CDF = cdfTable();

function bellAt(/** @type {number} */ x) {
  return Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
}

/** The standard normal distribution function at the nodes, by Gauss-Legendre. */
function cdfTable() {
  const step = 1 / PER;
  const table = new Float64Array(2 * END * PER + 2);
  const reach = (step / 2) * Math.sqrt(3 / 5);
  for (let i = 1; i < table.length; i++) {
    const middle = -END + (i - 0.5) * step;
    const mass = 5 * bellAt(middle - reach) + 8 * bellAt(middle) + 5 * bellAt(middle + reach);
    table[i] = table[i - 1] + (mass * step) / 18;
  }
  return table;
}

/** The standard normal distribution function, to 1e-11: cubic Hermite between the nodes of the table. */
export function normalCdf(/** @type {number} */ x) {
  if (x <= -END) return 0;
  if (x >= END) return 1;
  const step = 1 / PER;
  const place = (x + END) * PER;
  const i = Math.floor(place);
  const u = place - i;
  const left = -END + i * step;
  const [d0, d1] = [bellAt(left) * step, bellAt(left + step) * step];
  const rise = CDF[i + 1] - CDF[i];
  return CDF[i] + u * (d0 + u * (3 * rise - 2 * d0 - d1 + u * (d0 + d1 - 2 * rise)));
}

/**
 * Mean of a normal density over each cell of an axis, into out.
 * @param {Float64Array} out
 * @param {number} mean
 * @param {number} variance
 * @param {{ from: number, width: number }} cells the first cell is [from, from + width]
 */
function cellMeans(out, mean, variance, { from, width }) {
  const scale = 1 / Math.sqrt(Math.max(variance, 1e-24));
  let below = normalCdf((from - mean) * scale);
  for (let i = 0; i < out.length; i++) {
    const above = normalCdf((from + (i + 1) * width - mean) * scale);
    out[i] = (above - below) / width;
    below = above;
  }
}

/** A mixture whose arrays are at hand; its methods take the position p. */
export class Mixture {
  constructor(/** @type {MixtureSpec} */ spec, /** @type {Arrays} */ arrays) {
    this.weights = arrays[spec.weights].data;
    this.means = arrays[spec.means].data;
    this.variances = arrays[spec.variances].data;
    this.a = arrays[spec.a].data;
    this.noise = arrays[spec.noise_variance].data;
  }

  /** The variance of component k of what is drawn at p. */
  spread(/** @type {number} */ p, /** @type {number} */ k) {
    return this.a[p] * this.a[p] * this.variances[k] + this.noise[p];
  }

  /**
   * Cell means of the 1-D density: `count` cells of the given width.
   * @param {number} p
   * @param {number} from
   * @param {number} width
   * @param {number} count
   */
  line(p, from, width, count) {
    const { weights, means, a } = this;
    const [total, one] = [new Float64Array(count), new Float64Array(count)];
    for (let k = 0; k < weights.length; k++) {
      cellMeans(one, a[p] * means[k], this.spread(p, k), { from, width });
      for (let i = 0; i < count; i++) total[i] += weights[k] * one[i];
    }
    return total;
  }

  /**
   * Cell means of the 2-D density on a G x G raster of [low, high]^2; row j is y, upwards.
   * @param {number} p
   * @param {number} low
   * @param {number} high
   * @param {number} G
   */
  plane(p, low, high, G) {
    const { weights, means, a } = this;
    const cells = { from: low, width: (high - low) / G };
    const [total, xs, ys] = [new Float64Array(G * G), new Float64Array(G), new Float64Array(G)];
    for (let k = 0; k < weights.length; k++) {
      const variance = this.spread(p, k);
      cellMeans(xs, a[p] * means[2 * k], variance, cells);
      cellMeans(ys, a[p] * means[2 * k + 1], variance, cells);
      for (let j = 0; j < G; j++) {
        const wy = weights[k] * ys[j];
        if (wy < 1e-12) continue;
        for (let i = 0; i < G; i++) total[j * G + i] += wy * xs[i];
      }
    }
    return total;
  }

  /**
   * eps*(x) = E[eps | x] = -sqrt(v) grad log q(x) at the centres of a g x g grid, as (g, g, 2); zero where v = 0.
   * @param {number} p
   * @param {number} low
   * @param {number} high
   * @param {number} g
   */
  field(p, low, high, g) {
    const out = new Float64Array(g * g * 2);
    if (this.noise[p] <= 0) return out;
    const scale = Math.sqrt(this.noise[p]);
    const spread = Float64Array.from(this.weights, (_, k) => this.spread(p, k));
    for (let cell = 0; cell < g * g; cell++) {
      const x = low + (((cell % g) + 0.5) * (high - low)) / g;
      const y = low + ((Math.floor(cell / g) + 0.5) * (high - low)) / g;
      const { mass, ex, ey } = this.pull(p, x, y, spread);
      out[2 * cell] = (scale * ex) / mass;
      out[2 * cell + 1] = (scale * ey) / mass;
    }
    return out;
  }

  /**
   * sum_k r_k and sum_k r_k (x - a m_k) / s_k, where r_k is component k's density at x over the largest one.
   * @param {number} p
   * @param {number} x
   * @param {number} y
   * @param {Values} spread s
   */
  pull(p, x, y, spread) {
    const { weights, means } = this;
    const a = this.a[p];
    const logs = new Float64Array(weights.length);
    for (let k = 0; k < weights.length; k++) {
      const [dx, dy] = [x - a * means[2 * k], y - a * means[2 * k + 1]];
      logs[k] = Math.log(weights[k]) - Math.log(spread[k]) - (dx * dx + dy * dy) / (2 * spread[k]);
    }
    const top = logs.reduce((one, other) => Math.max(one, other), -Infinity);
    let [mass, ex, ey] = [0, 0, 0];
    for (let k = 0; k < weights.length; k++) {
      const share = Math.exp(logs[k] - top);
      mass += share;
      ex += (share * (x - a * means[2 * k])) / spread[k];
      ey += (share * (y - a * means[2 * k + 1])) / spread[k];
    }
    return { mass, ex, ey };
  }
}
