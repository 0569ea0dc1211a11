// Exact mixtures: the density of a_p x_0 + N(0, v_p I) is sum_k w_k N(x; a_p m_k, (a_p^2 s_k + v_p) I).
// On a raster each cell gets its mean density, by differences of the normal distribution function: exact,
// without aliasing, and finite where a component has no width at all. In two dimensions a component is a product.

/** The standard normal distribution function, to 1e-12: a table by Gauss-Legendre, cubic Hermite between its nodes. */
const normalCdf = (() => {
  const [end, per] = [8, 128];
  const step = 1 / per;
  const density = (x) => Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
  const table = new Float64Array(2 * end * per + 2);
  const reach = (step / 2) * Math.sqrt(3 / 5);
  for (let i = 1; i < table.length; i++) {
    const middle = -end + (i - 0.5) * step;
    const mass = 5 * density(middle - reach) + 8 * density(middle) + 5 * density(middle + reach);
    table[i] = table[i - 1] + (mass * step) / 18;
  }
  return (x) => {
    if (x <= -end) return 0;
    if (x >= end) return 1;
    const place = (x + end) * per;
    const i = Math.floor(place);
    const u = place - i;
    const left = -end + i * step;
    const [d0, d1] = [density(left) * step, density(left + step) * step];
    const rise = table[i + 1] - table[i];
    return table[i] + u * (d0 + u * (3 * rise - 2 * d0 - d1 + u * (d0 + d1 - 2 * rise)));
  };
})();

/** A mixture whose arrays are at hand; its methods take the position p. */
function makeMixture(spec, arrays) {
  const [weights, means, variances, a, noise] = ["weights", "means", "variances", "a", "noise_variance"].map(
    (part) => arrays[spec[part]].data,
  );
  const K = weights.length;
  const d = means.length / K;

  /** Mean of one component's density over [x, x + width], for `cells` cells from x = from on, into out. */
  function cells(out, mean, variance, from, width, count) {
    const scale = 1 / Math.sqrt(Math.max(variance, 1e-24));
    let below = normalCdf((from - mean) * scale);
    for (let i = 0; i < count; i++) {
      const above = normalCdf((from + (i + 1) * width - mean) * scale);
      out[i] = (above - below) / width;
      below = above;
    }
  }

  /** Cell means of the 1-D density: `count` cells of the given width. */
  function line(p, from, width, count) {
    const [total, one] = [new Float64Array(count), new Float64Array(count)];
    for (let k = 0; k < K; k++) {
      cells(one, a[p] * means[k], a[p] * a[p] * variances[k] + noise[p], from, width, count);
      for (let i = 0; i < count; i++) total[i] += weights[k] * one[i];
    }
    return total;
  }

  /** Cell means of the 2-D density on a G x G raster of [low, high]^2; row j is y, upwards. */
  function plane(p, low, high, G) {
    const width = (high - low) / G;
    const [total, xs, ys] = [new Float64Array(G * G), new Float64Array(G), new Float64Array(G)];
    for (let k = 0; k < K; k++) {
      const variance = a[p] * a[p] * variances[k] + noise[p];
      cells(xs, a[p] * means[2 * k], variance, low, width, G);
      cells(ys, a[p] * means[2 * k + 1], variance, low, width, G);
      for (let j = 0; j < G; j++) {
        const wy = weights[k] * ys[j];
        if (wy < 1e-12) continue;
        for (let i = 0; i < G; i++) total[j * G + i] += wy * xs[i];
      }
    }
    return total;
  }

  /** eps*(x) = E[eps | x] = -sqrt(v) grad log q(x) at the centres of a g x g grid, as (g, g, 2); zero where v = 0. */
  function field(p, low, high, g) {
    const out = new Float64Array(g * g * 2);
    if (noise[p] <= 0) return out;
    const [logs, spread] = [new Float64Array(K), new Float64Array(K)];
    for (let k = 0; k < K; k++) spread[k] = a[p] * a[p] * variances[k] + noise[p];
    for (let cell = 0; cell < g * g; cell++) {
      const x = low + ((cell % g) + 0.5) * (high - low) / g;
      const y = low + (Math.floor(cell / g) + 0.5) * (high - low) / g;
      let top = -Infinity;
      for (let k = 0; k < K; k++) {
        const [dx, dy] = [x - a[p] * means[2 * k], y - a[p] * means[2 * k + 1]];
        logs[k] = Math.log(weights[k]) - Math.log(spread[k]) - (dx * dx + dy * dy) / (2 * spread[k]);
        top = Math.max(top, logs[k]);
      }
      let [mass, ex, ey] = [0, 0, 0];
      for (let k = 0; k < K; k++) {
        const share = Math.exp(logs[k] - top);
        mass += share;
        ex += (share * (x - a[p] * means[2 * k])) / spread[k];
        ey += (share * (y - a[p] * means[2 * k + 1])) / spread[k];
      }
      out[2 * cell] = (Math.sqrt(noise[p]) * ex) / mass;
      out[2 * cell + 1] = (Math.sqrt(noise[p]) * ey) / mass;
    }
    return out;
  }

  return { d, line, plane, field };
}
