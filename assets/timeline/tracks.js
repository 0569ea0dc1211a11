// Tracks: what the data are at position p. An affine track is a_p first + b_p second, worked out here, in float64;
// that is the closed form x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps, and why the slider is instant.

/** All tracks of a timeline. `get(name)` is a node: {shape, size, width, at(p) -> array, value(p, i) -> number}. */
function makeTracks(specs, arrays, count) {
  const nodes = new Map();
  const hands = new Map(); // the draggable numbers
  let touched = 0; // how often one was moved

  function get(name, offset = 0) {
    const key = `${name}@${offset}`;
    if (!nodes.has(key)) nodes.set(key, makeNode(specs[name], offset));
    return nodes.get(key);
  }

  function makeNode(spec, offset) {
    // A node keeps one buffer, so the same track read at another offset is another node.
    const index = (p) => Math.min(count - 1, Math.max(0, p + offset));
    const refer = ([name, shift]) => get(name, offset + shift);
    const nodeOf = { constant, frames, packed, affine, product, draggable, shifted: () => refer(spec.of) };
    const node = nodeOf[spec.kind](spec, index, refer);
    if (spec.kind === "shifted") return node;
    node.size = node.shape.reduce((a, b) => a * b, 1);
    node.width = node.size / (node.shape[0] ?? 1);
    return node;
  }

  function constant(spec) {
    const { data, shape } = arrays[spec.values];
    return { shape, at: () => data, value: (p, i) => data[i] };
  }

  function draggable(spec) {
    if (!hands.has(spec)) hands.set(spec, Float64Array.of(spec.value));
    const hand = hands.get(spec);
    const set = (value) => {
      hand[0] = value;
      touched++;
    };
    return { shape: [], at: () => hand, value: () => hand[0], set };
  }

  function frames(spec, index) {
    const { data, shape } = arrays[spec.values];
    const size = data.length / count;
    return {
      shape: shape.slice(1),
      whole: spec.whole,
      at: (p) => data.subarray(index(p) * size, (index(p) + 1) * size),
      value: (p, i) => data[index(p) * size + i],
    };
  }

  function packed(spec, index) {
    const { data, shape } = arrays[spec.values];
    const size = data.length / count;
    const value = (p, i) => spec.scale * data[index(p) * size + i] + spec.offset;
    const fill = (out, p) => {
      const from = index(p) * size;
      for (let i = 0; i < size; i++) out[i] = spec.scale * data[from + i] + spec.offset;
    };
    return { shape: shape.slice(1), value, at: kept(size, index, fill) };
  }

  function affine(spec, index, refer) {
    const [a, b] = [arrays[spec.a].data, arrays[spec.b].data];
    const { first, second, one, two, ...rest } = parts(spec, refer);
    const fill = (out, p) => {
      const [ap, bp, x, y] = [a[index(p)], b[index(p)], first.at(p), second.at(p)];
      for (let i = 0; i < out.length; i++) out[i] = ap * x[one * i] + bp * y[two * i];
    };
    return {
      shape: rest.shape,
      value: (p, i) => a[index(p)] * first.value(p, one * i) + b[index(p)] * second.value(p, two * i),
      at: kept(rest.size, index, fill),
    };
  }

  function product(spec, index, refer) {
    const { first, second, one, two, ...rest } = parts(spec, refer);
    const fill = (out, p) => {
      const [x, y] = [first.at(p), second.at(p)];
      for (let i = 0; i < out.length; i++) out[i] = x[one * i] * y[two * i];
    };
    return {
      shape: rest.shape,
      value: (p, i) => first.value(p, one * i) * second.value(p, two * i),
      at: kept(rest.size, index, fill),
    };
  }

  /** Two parts and the steps through them: a single number stays where it is and goes with any shape. */
  function parts(spec, refer) {
    const [first, second] = [refer(spec.first), refer(spec.second)];
    const { shape, size } = first.size > 1 ? first : second;
    return { first, second, one: first.size === 1 ? 0 : 1, two: second.size === 1 ? 0 : 1, shape, size };
  }

  /** A function of p that fills one buffer, and only when p changes or a hand moved something. */
  function kept(size, index, fill) {
    let out = null;
    let [held, then] = [-1, 0];
    return (p) => {
      out ??= new Float64Array(size);
      if (held !== index(p) || then !== touched) fill(out, p);
      [held, then] = [index(p), touched];
      return out;
    };
  }

  /** The draggable numbers by name. */
  const dragged = () => Object.fromEntries(Object.entries(specs).filter(([, spec]) => spec.kind === "draggable").map(([name]) => [name, get(name).value(0)]));

  return { get, dragged };
}

/** Where the picked thing lies in a track: a point's component, or an element itself; a scalar has one place only. */
function placeOf(node, pick, kind, component) {
  if (node.size === 1) return 0;
  return Math.min(node.size - 1, kind === "point" ? pick * node.width + component : pick);
}
