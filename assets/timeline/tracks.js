// Tracks: what the data are at position p. An affine track is a_p first + b_p second, worked out here, in float64;
// that is the closed form x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps, and why the slider is instant.

/**
 * @import { AffineSpec, Arrays, ConstantSpec, DraggableSpec, FramesSpec, PackedSpec, PickKind, ProductSpec, Reference,
 *   TrackNode, TrackSpec, Tracks } from "./types.d.ts"
 */

/**
 * The draggable numbers, and how often one was moved.
 * @typedef {{ held: Map<DraggableSpec, Float64Array>, moves: number }} Hands
 */

/**
 * What a track is made of: the arrays, other tracks, the hands, and which position is read at p.
 * @typedef {object} Source
 * @property {Arrays} arrays
 * @property {number} count positions
 * @property {Hands} hands
 * @property {(p: number) => number} index
 * @property {(reference: Reference) => TrackNode} refer
 */

/** @typedef {Omit<TrackNode, "size" | "width">} Made */

/**
 * All tracks of a timeline.
 * @param {Record<string, TrackSpec>} specs
 * @param {Arrays} arrays
 * @param {number} count positions
 * @returns {Tracks}
 */
export function makeTracks(specs, arrays, count) {
  /** @type {Map<string, TrackNode>} */
  const nodes = new Map();
  /** @type {Hands} */
  const hands = { held: new Map(), moves: 0 };

  function get(/** @type {string} */ name, offset = 0) {
    const key = `${name}@${offset}`; // a node keeps one buffer: the same track at another offset is another node
    const node = nodes.get(key) ?? makeNode(specs[name], offset);
    nodes.set(key, node);
    return node;
  }

  /** @returns {TrackNode} */
  function makeNode(/** @type {TrackSpec} */ spec, /** @type {number} */ offset) {
    const refer = (/** @type {Reference} */ [name, shift]) => get(name, offset + shift);
    if (spec.kind === "shifted") return refer(spec.of);
    const index = (/** @type {number} */ p) => Math.min(count - 1, Math.max(0, p + offset));
    const made = make(spec, { arrays, count, hands, index, refer });
    const size = made.shape.reduce((a, b) => a * b, 1);
    return { ...made, size, width: size / (made.shape[0] ?? 1) };
  }

  function dragged() {
    const names = Object.keys(specs).filter((name) => specs[name].kind === "draggable");
    return Object.fromEntries(names.map((name) => [name, get(name).value(0, 0)]));
  }

  function move(/** @type {Record<string, number>} */ values) {
    for (const name of Object.keys(dragged())) if (name in values) get(name).set?.(values[name]);
  }

  return { get, dragged, move };
}

/** @returns {Made} */
function make(/** @type {Exclude<TrackSpec, { kind: "shifted" }>} */ spec, /** @type {Source} */ source) {
  switch (spec.kind) {
    case "constant":
      return constant(spec, source);
    case "frames":
      return frames(spec, source);
    case "packed":
      return packed(spec, source);
    case "affine":
      return affine(spec, source);
    case "product":
      return product(spec, source);
    case "draggable":
      return draggable(spec, source);
  }
}

/** @returns {Made} */
function constant(/** @type {ConstantSpec} */ spec, /** @type {Source} */ { arrays }) {
  const { data, shape } = arrays[spec.values];
  return { shape, at: () => data, value: (p, i) => data[i] };
}

/** @returns {Made} */
function frames(/** @type {FramesSpec} */ spec, /** @type {Source} */ { arrays, count, index }) {
  const { data, shape } = arrays[spec.values];
  const size = data.length / count;
  return {
    shape: shape.slice(1),
    whole: spec.whole,
    at: (p) => data.subarray(index(p) * size, (index(p) + 1) * size),
    value: (p, i) => data[index(p) * size + i],
  };
}

/** @returns {Made} */
function packed(/** @type {PackedSpec} */ spec, /** @type {Source} */ source) {
  const { arrays, count, index } = source;
  const { data, shape } = arrays[spec.values];
  const size = data.length / count;
  return {
    shape: shape.slice(1),
    value: (p, i) => spec.scale * data[index(p) * size + i] + spec.offset,
    at: kept(size, source, (out, p) => {
      const from = index(p) * size;
      for (let i = 0; i < size; i++) out[i] = spec.scale * data[from + i] + spec.offset;
    }),
  };
}

/** @returns {Made} */
function affine(/** @type {AffineSpec} */ spec, /** @type {Source} */ source) {
  const { arrays, index } = source;
  const [a, b] = [arrays[spec.a].data, arrays[spec.b].data];
  const { first, second, one, two, shape, size } = partsOf(spec, source);
  return {
    shape,
    value: (p, i) => a[index(p)] * first.value(p, one * i) + b[index(p)] * second.value(p, two * i),
    at: kept(size, source, (out, p) => {
      const [ap, bp, x, y] = [a[index(p)], b[index(p)], first.at(p), second.at(p)];
      for (let i = 0; i < out.length; i++) out[i] = ap * x[one * i] + bp * y[two * i];
    }),
  };
}

/** @returns {Made} */
function product(/** @type {ProductSpec} */ spec, /** @type {Source} */ source) {
  const { first, second, one, two, shape, size } = partsOf(spec, source);
  return {
    shape,
    value: (p, i) => first.value(p, one * i) * second.value(p, two * i),
    at: kept(size, source, (out, p) => {
      const [x, y] = [first.at(p), second.at(p)];
      for (let i = 0; i < out.length; i++) out[i] = x[one * i] * y[two * i];
    }),
  };
}

/** @returns {Made} */
function draggable(/** @type {DraggableSpec} */ spec, /** @type {Source} */ { hands }) {
  const hand = hands.held.get(spec) ?? Float64Array.of(spec.value);
  hands.held.set(spec, hand);
  const set = (/** @type {number} */ value) => {
    hand[0] = Math.min(spec.high, Math.max(spec.low, value));
    hands.moves++;
  };
  return { shape: [], at: () => hand, value: () => hand[0], set };
}

/** Two parts and the steps through them: a single number stays where it is and goes with any shape. */
function partsOf(/** @type {AffineSpec | ProductSpec} */ spec, /** @type {Source} */ { refer }) {
  const [first, second] = [refer(spec.first), refer(spec.second)];
  const { shape, size } = first.size > 1 ? first : second;
  return { first, second, one: first.size === 1 ? 0 : 1, two: second.size === 1 ? 0 : 1, shape, size };
}

/**
 * A function of p that fills one buffer, and only when p changes or a hand moved something.
 * @param {number} size
 * @param {Source} source
 * @param {(out: Float64Array, p: number) => void} fill
 */
function kept(size, { index, hands }, fill) {
  /** @type {Float64Array | null} */
  let out = null;
  let [held, then] = [-1, 0];
  return (/** @type {number} */ p) => {
    out ??= new Float64Array(size);
    if (held !== index(p) || then !== hands.moves) fill(out, p);
    [held, then] = [index(p), hands.moves];
    return out;
  };
}

/**
 * Where the picked thing lies in a track: a point's component, or an element itself; a scalar has one place only.
 * @param {TrackNode} node
 * @param {number} pick
 * @param {PickKind | null} kind
 * @param {number} component
 */
export function placeOf(node, pick, kind, component) {
  if (node.size === 1) return 0;
  return Math.min(node.size - 1, kind === "point" ? pick * node.width + component : pick);
}
