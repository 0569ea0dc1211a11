// What a panel shows now, in words and numbers: worked out of what is drawn, when the hand has let go.

/** @import { CurvesSpec, DiagramSpec, HistogramSpec, ImagesSpec, LinesSpec, Numbers, PanelSpec, PlaneSpec, SharesSpec, Stage, Values, WaterfallSpec } from "./types.d.ts" */

import { format } from "./format.js";
import { fill } from "./fill.js";

/**
 * Count, mean and standard deviation of every `stride`-th value from `first` on.
 * @param {ArrayLike<number>} values
 * @param {number} first
 * @param {number} stride
 */
export function summary(values, first = 0, stride = 1) {
  let [n, sum, squares] = [0, 0, 0];
  for (let i = first; i < values.length; i += stride) {
    n++;
    sum += values[i];
  }
  const mean = sum / n;
  for (let i = first; i < values.length; i += stride) squares += (values[i] - mean) ** 2;
  return { n, mean, deviation: Math.sqrt(squares / n) };
}

/** Where a list is largest. */
export function top(/** @type {ArrayLike<number>} */ values) {
  let at = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[at]) at = i;
  return at;
}

/**
 * The sentences of a panel; none where it is words already.
 * @param {PanelSpec} spec
 * @param {Numbers} numbers those drawn last
 * @param {Stage} stage
 * @returns {string[]}
 */
export function sentences(spec, numbers, stage) {
  switch (spec.kind) {
    case "plane":
      return ofPlane(spec, stage);
    case "images":
      return ofImages(spec, stage);
    case "histogram":
      return ofHistogram(spec, numbers, stage);
    case "curves":
      return ofCurves(spec, numbers, stage);
    case "lines":
    case "shares":
      return ofLines(spec, numbers, stage);
    case "waterfall":
      return ofWaterfall(spec, stage);
    case "diagram":
      return ofDiagram(spec, numbers, stage);
    default:
      return [];
  }
}

/** @returns {string[]} */
function ofPlane(/** @type {PlaneSpec} */ { layers, domain: [low, high] }, /** @type {Stage} */ stage) {
  const { labels, tracks, position, pick } = stage;
  const clouds = layers.filter((layer) => layer.kind === "points");
  const said = clouds.map(({ track, label }) => {
    const xy = tracks.get(track).at(position);
    const [x, y] = [summary(xy, 0, 2), summary(xy, 1, 2)];
    let inside = 0;
    for (let i = 0; i < xy.length; i += 2) {
      if (Math.min(xy[i], xy[i + 1]) >= low && Math.max(xy[i], xy[i + 1]) <= high) inside++;
    }
    const numbers = { x: format(x.mean), y: format(y.mean), sx: format(x.deviation), sy: format(y.deviation) };
    const share = format((100 * inside) / x.n, 3);
    const sentence = fill(labels.say_points, { n: x.n, ...numbers, share, low: format(low, 2), high: format(high, 2) });
    return label ? `${label}: ${sentence}` : sentence;
  });
  if (!stage.picks("point") || !clouds.length) return said;
  const xy = tracks.get(clouds[0].track).at(position);
  const [x, y] = [xy[2 * pick], xy[2 * pick + 1]].map((value) => format(value));
  return [...said, fill(labels.say_picked, { i: pick, x, y })];
}

/** @returns {string[]} */
function ofImages(/** @type {ImagesSpec} */ spec, /** @type {Stage} */ { labels, tracks, position, pick, picks }) {
  const { height, width, channels, value_range: range } = spec;
  const values = tracks.get(spec.track).at(position);
  const { n, mean, deviation } = summary(values);
  const [low, high] = range.map((end) => format(end, 2));
  const count = n / (height * width * channels);
  const numbers = { mean: format(mean), sd: format(deviation), low, high };
  const said = [fill(labels.say_pictures, { n: count, height, width, ...numbers })];
  if (picks("element") && pick < n) said.push(fill(labels.say_pixel, { i: pick, value: format(values[pick]) }));
  return said;
}

/** @returns {string[]} */
function ofHistogram(
  /** @type {HistogramSpec} */ { track, component, domain: [low, high], bins, mark },
  /** @type {Numbers} */ { heights },
  /** @type {Stage} */ { labels, tracks, position },
) {
  const node = tracks.get(track);
  const { n, mean, deviation } = summary(node.at(position), component ?? 0, component === null ? 1 : node.width);
  const at = top(heights);
  const middle = low + ((at + 0.5) * (high - low)) / bins;
  const numbers = { mean: format(mean), sd: format(deviation), peak: format(heights[at]), at: format(middle) };
  const said = [fill(labels.say_histogram, { n, ...numbers })];
  if (mark) said.push(fill(labels.say_mark, { value: format(tracks.get(mark).value(position, 0)) }));
  return said;
}

/** @returns {string[]} */
function ofCurves(
  /** @type {CurvesSpec} */ { series, handles },
  /** @type {Numbers} */ numbers,
  /** @type {Stage} */ stage,
) {
  const { labels, tracks, position } = stage;
  const [low, high] = numbers.domain;
  const curves = series.map(({ label }) => {
    const values = /** @type {Values} */ (numbers[label]);
    const at = low + (top(values) * (high - low)) / (values.length - 1);
    return fill(labels.say_curve, { label, at: format(at), low: format(low, 3), high: format(high, 3) });
  });
  const held = handles.map(({ label, track }) => {
    return fill(labels.say_value, { label, value: format(tracks.get(track).value(position, 0)) });
  });
  return [...curves, ...held];
}

/** @returns {string[]} */
function ofLines(
  /** @type {LinesSpec | SharesSpec} */ { series },
  /** @type {Numbers} */ numbers,
  /** @type {Stage} */ { labels },
) {
  return series.map(({ label }) => {
    const [value] = numbers[label];
    return fill(labels.say_value, { label, value: Number.isFinite(value) ? format(value) : "–" });
  });
}

/**
 * What is at work now, and what is not, from left to right.
 * @returns {string[]}
 */
function ofDiagram(
  /** @type {DiagramSpec} */ { boxes },
  /** @type {Numbers} */ numbers,
  /** @type {Stage} */ { labels },
) {
  const isLit = (/** @type {string} */ phase) => !phase || numbers[phase][0] > 0.5;
  const list = (/** @type {boolean} */ lit) =>
    boxes
      .filter(({ phase, says }) => says && isLit(phase) === lit)
      .map(({ says, note }) => (note ? `${says} ${note}` : says))
      .join("; ");
  const [work, rest] = [list(true), list(false)];
  return [
    ...(work ? [fill(labels.say_lit, { parts: work })] : []),
    ...(rest ? [fill(labels.say_rest, { parts: rest })] : []),
  ];
}

/** Each piece, and their sum. */
function ofWaterfall(/** @type {WaterfallSpec} */ { pieces }, /** @type {Stage} */ { labels, position }) {
  const here = pieces[position];
  const sum = { label: "Σ", value: here.reduce((all, { value }) => all + value, 0) };
  return [...here, sum].map(({ label, value }) => fill(labels.say_value, { label, value: format(value) }));
}
